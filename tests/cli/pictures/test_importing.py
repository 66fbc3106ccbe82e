"""Pictures of other tools and of another home, as products: found by their prompts, never changed, never bought."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from artfactoryd import schema
from artfactoryd.cli import main
from artfactoryd.cli.pictures import importing
from artfactoryd.shelf.thumbnails import cache
from artfactoryd.shelf.thumbnails.cache import Cache
from artfactoryd.storage import rebuild
from tests import films
from tests.clamds import EICAR, NAME, fake_clamd
from tests.execution.shelving.test_later import spoiled
from tests.homes import TestHome, card_of
from tests.shelf.inside import others
from tests.works import quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
MADE = 1_700_000_000  # when the files were written
PICTURES = {
    "txt2img/00001-77.png": others.png({"parameters": others.A1111}),
    "comfy.png": others.png({"prompt": others.COMFY, "workflow": {}}, 1),
    "inputs/invoke.png": others.png({"invokeai_metadata": others.INVOKE}, 2),
    "plain.jpg": others.with_exif("JPEG", tags={0x0132: "2021:02:03 04:05:06"}),
}


def told(home: TestHome, *words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, ["--home", str(home.root), *words])
    assert done.exit_code == code, done.output
    return done


def data(home: TestHome, *words: str, code: int = 0) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(told(home, *words, "--json", code=code).stdout)
    return document


def paths(home: TestHome, query: str) -> list[str]:
    return sorted(Path(row["path"]).name for row in data(home, "products", query)["products"])


def folder(tmp_path: Path, files: Mapping[str, bytes]) -> Path:
    top = tmp_path / "outputs"
    for name, content in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
        os.utime(top / name, (MADE, MADE))
    return top


def state(top: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(top)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in top.rglob("*") if path.is_file()
    }  # fmt: skip


def test_a_folder_of_pictures_is_imported_found_by_prompt_and_survives_the_loss_of_the_index(
    home: TestHome, tmp_path: Path
) -> None:
    top = folder(tmp_path, PICTURES | {"the same.png": PICTURES["comfy.png"], "cut.png": PICTURES["comfy.png"][:60]})
    (top / "notes.md").write_text("no picture")
    (top / "link.png").symlink_to(top / "comfy.png")
    before = state(top)
    dry = data(home, "import", str(top), "--dry-run", code=1)
    assert not list(home.home.projects.rglob("*.png")) and dry["dry_run"]
    done = data(home, "import", str(top), "--tag", "old", code=1)
    counts = {key: done[key] for key in ("imported", "twice", "passed_over", "tools", "project")}
    assert counts == {key: dry[key] for key in counts} == {
        "imported": 4, "twice": 1, "passed_over": 1, "project": "outputs",
        "tools": {"a1111": 1, "comfyui": 1, "invokeai": 1, "plain": 1},
    }  # fmt: skip
    assert [one["path"] for one in done["failed"]] == [str(top / "cut.png")]
    assert state(top) == before and data(home, "import", str(top), code=1)["there_already"] == 5

    def answers() -> list[list[str]]:
        queries = (
            "a fox in the snow", "prompt:whale steps:25", "seed:42", "model:dreamshaper_8", "is:imported tag:old",
            "date:2021", "negative_prompt:ugly is:liked", "order:outputs", "origin:comfyui",
        )  # fmt: skip
        return [paths(home, query) for query in queries]

    told(home, "like", "comfy.png")
    known = answers()
    assert known == [
        ["00001-77.png"], ["comfy.png"], ["invoke.png"], ["00001-77.png"],
        ["00001-77.png", "comfy.png", "invoke.png", "plain.jpg"], ["plain.jpg"], ["comfy.png"], [], ["comfy.png"],
    ]  # fmt: skip
    for lost in home.home.private.glob("index.sqlite3*"):
        lost.unlink()
    report = told(home, "reindex").output
    assert "4 products" in report and "Ledger and shelf agree." in report and answers() == known


def test_films_and_sounds_become_products_with_their_lengths(home: TestHome, tmp_path: Path) -> None:
    told(home, "import", str(folder(tmp_path, {"walk.mov": films.mp4(2.5, brand=b"qt  "), "song.mp3": films.wav(65)})))
    (film,) = home.home.projects.rglob("walk.mov")
    assert "video/quicktime, 320x180, 2.5 s, mjpeg" in told(home, "explain", str(film)).output

    def answers() -> list[list[str]]:
        return [paths(home, query) for query in ("kind:sound duration:>1m", "duration:..2.5s", "codec:pcm")]

    known = answers()
    assert known == [["song.mp3"], ["walk.mov"], ["song.mp3"]] and "  1:05  " in told(home, "products").output
    for lost in home.home.private.glob("index.sqlite3*"):
        lost.unlink()
    told(home, "reindex")
    assert answers() == known


def test_what_lies_in_the_sidecar_is_as_it_was_and_nothing_is_bought_by_it(home: TestHome, tmp_path: Path) -> None:
    top = folder(tmp_path, PICTURES | {"spoiled.png": spoiled()})
    told(home, "import", str(top), "--project", "old art")
    sheet = tmp_path / "sheet.html"
    told(home, "sheet", "is:imported", "--to", str(sheet))
    assert sheet.read_text().count("<img src") == 5 and "has just come" not in sheet.read_text()
    (product,) = home.home.projects.rglob("comfy.png")
    assert product.parent.name == "imported" and product.parts[-4] == "old art"
    assert product.read_bytes() == PICTURES["comfy.png"] and product.stat().st_mtime == MADE
    assert product.stat().st_ino != (top / "comfy.png").stat().st_ino
    card = json.loads(card_of(product).read_bytes())
    assert not schema.check_mapping(card, "sidecar")
    assert (card["order"], card["item"], card["ticket"], card["provider"]) == (None, None, None, "imported")
    assert card["created_at"].startswith("2023-11-14T") and card["origin"]["file"] == str(top / "comfy.png")
    assert "imported   from" in told(home, "explain", str(product)).output
    assert "It was imported" in told(home, "remake", str(product), code=2).output
    shutil.copy(card_of(product), home.home.inbox / "comfy.png.json")
    told(home, "once", code=1)
    assert "was imported" in (home.home.rejected / "comfy.png.json.error.txt").read_text()
    thumbnails = Cache(home.home.private / cache.FOLDER)  # what was imported was looked at by then as what is made is
    whole = [hashlib.sha256(content).hexdigest() for content in PICTURES.values()]
    assert all(map(thumbnails.has, whole)) and paths(home, "is:damaged") == ["spoiled.png"]
    (elsewhere,) = home.home.projects.rglob("invoke.png")
    assert elsewhere.parent.name == "inputs-1"  # pictures of an order lie in a folder of that name


def test_what_was_placed_before_a_kill_is_taken_in_by_the_next_import(
    home: TestHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = folder(tmp_path, PICTURES)

    def killed(*_: object) -> dict[str, Any]:
        raise KeyboardInterrupt

    told(home, "once")
    with monkeypatch.context() as patch:
        patch.setattr(importing, "steer", killed)
        assert CliRunner().invoke(main, ["--home", str(home.root), "import", str(top)]).exit_code != 0
    lying = state(home.home.projects)
    assert len(lying) == 8 and paths(home, "is:imported") == []
    assert data(home, "import", str(top))["imported"] == 4
    assert state(home.home.projects).keys() == lying.keys() and len(paths(home, "is:imported")) == 4


def test_pictures_of_a_project_stay_where_they_are_and_those_of_another_home_are_known(
    home: TestHome, tmp_path: Path
) -> None:
    own = home.home.projects / "mine" / "scans"
    shutil.copytree(folder(tmp_path, {"comfy.png": PICTURES["comfy.png"]}), own)
    told(home, "import", str(own), "--from", "plain")
    assert paths(home, "project:mine") == ["comfy.png"] and (own / "comfy.png").stat().st_mtime == MADE
    assert paths(home, "is:imported") == ["comfy.png"]
    other = TestHome.make(tmp_path / "other")
    done = data(other, "import", str(own), "--from", "artfactoryd")
    assert (done["imported"], done["tools"]) == (1, {"artfactoryd": 1})
    (product,) = other.home.projects.rglob("comfy.png")
    before, after = (json.loads(card_of(path).read_bytes()) for path in (own / "comfy.png", product))
    assert after["origin"]["id"] == before["id"] and after["parents"] == []
    edited = Path(shutil.copytree(product.parent, tmp_path / "edited")) / "comfy.png"
    edited.write_bytes(PICTURES["plain.jpg"])  # of an id that is known there, and other bytes
    assert data(other, "import", str(edited.parent), "--from", "artfactoryd")["imported"] == 1
    (child,) = other.home.projects.glob("edited/**/comfy.png")
    assert json.loads(card_of(child).read_bytes())["parents"] == [after["id"]]
    assert paths(other, f"parent:{after['id']}") == ["comfy.png"]


WRONG = [
    (["nowhere"], "There is no nowhere"),
    (["HOME"], "part of the factory folder"),
    (["HOME/Inbox"], "part of the factory folder"),
    (["a", "--project", "a/b"], "cannot hold"),
]


def test_what_cannot_be_imported_is_said(home: TestHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    for words, text in WRONG:
        given = [word.replace("HOME", str(home.root)) for word in words]
        assert text in told(home, "import", *given, code=2).output
    (tmp_path / "styles.csv").write_text("sku,price\n1,2\n")
    assert "no table of styles" in told(home, "import", "styles.csv", code=2).output


def test_wildcards_and_styles_go_to_the_library_and_work_there(home: TestHome, tmp_path: Path) -> None:
    (tmp_path / "wildcards" / "colors").mkdir(parents=True)
    (tmp_path / "wildcards" / "colors" / "warm.txt").write_text("red\nochre\n")
    (tmp_path / "styles.csv").write_text(
        'name,prompt,negative_prompt\nFilm noir,"noir, [old], {prompt}, dark",\nEmpty,,\n', "utf-8-sig"
    )
    books = [str(tmp_path / "styles.csv"), str(tmp_path / "wildcards")]
    for made in (["styles/film-noir.yaml", "colors/warm.txt"], []):
        done = data(home, "import", *books)
        assert [path.partition("/templates/")[2] or path.partition("/lookups/")[2] for path in done["library"]] == made
    order = tmp_path / "o.yaml"
    order.write_text("provider: local\nmodel: sketch\ntemplate: styles/film-noir\nlookups: {subject: [a red fox]}\n")
    assert "noir, [old], a red fox, dark" in told(home, "plan", str(order)).output


def test_an_index_that_is_made_again_has_them_though_nothing_was_told(home: TestHome, tmp_path: Path) -> None:
    assert rebuild.told.is_imported({"order": None, "item": None, "provider": "imported"})
    with pytest.raises(TypeError):
        rebuild.told.row_of({"id": "x", "order": None, "item": None, "provider": "fal", "file": {}}, "")


async def test_what_is_imported_is_scanned_and_what_is_found_stays_where_it_lies(
    home: TestHome, tmp_path: Path
) -> None:
    place = tmp_path / "clamd"
    pictures = {"plain.png": others.png({}, 3), "bad.png": others.png({}, 4) + EICAR}
    outputs = folder(tmp_path, pictures)
    home.configure(scan={"address": f"unix:{place}", "required": True})
    waiting = await asyncio.to_thread(data, home, "import", str(outputs), code=1)
    assert waiting["imported"] == 0 and {Path(one["path"]).name for one in waiting["failed"]} == {*pictures}
    assert all("scan.required is true: clamd at unix:" in one["text"] for one in waiting["failed"])
    async with fake_clamd(place) as clamd:
        done = await asyncio.to_thread(data, home, "import", str(outputs), code=1)
        assert sorted(clamd.asked) == sorted(pictures.values()) and done["imported"] == 1
        ((bad),) = done["failed"]
        assert bad["path"].endswith("bad.png") and f"clamd found {NAME} in it; it stays where it lies" in bad["text"]
        assert (outputs / "bad.png").read_bytes() == pictures["bad.png"]
        await asyncio.to_thread(data, home, "import", str(outputs), code=1)
        assert len(clamd.asked) == 3  # what is on the shelf already is not asked about
    home.configure(scan={"address": f"unix:{place}"})
    (outputs / "new.png").write_bytes(others.png({}, 5))
    words = (await asyncio.to_thread(told, home, "import", str(outputs))).stdout
    assert "2 products imported" in words and words.count("Not scanned: clamd at unix:") == 1
