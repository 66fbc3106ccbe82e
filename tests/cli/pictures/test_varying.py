"""`remake --set`: the same call with other values, checked first, with its price; and whose variation it is."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from artfactoryd.core.json_types import Json
from artfactoryd.core.sidecar_again import with_values
from tests.cli.pictures.test_marks import call
from tests.homes import TestHome, card_of
from tests.pictures import draw, edit, with_editor
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")

WRONG = [
    (["steps"], "steps sets nothing. Write NAME=VALUE"),
    (["=8"], "=8 sets nothing."),
    (["prompt=[red,blue] car"], "The value of prompt cannot be read as YAML"),
    (["stepz=8"], "It cannot be asked for so, and nothing is: "),
    (["num_outputs=99"], "It cannot be asked for so, and nothing is: "),
    (["seed=many"], "It cannot be asked for so, and nothing is: "),
    (["prompt.first=1"], "There is no such place: prompt.first: prompt was 'a red car'."),
    (["sizes.0.width=1"], "It cannot be asked for so, and nothing is: "),
]


def test_a_value_is_put_at_its_place_however_deep() -> None:
    given = {"steps": 4, "loras": [{"path": "a", "scale": 1}], "image.url": "x"}
    known = [{"parameter": "loras.0.path"}, {"parameter": "mask"}]
    card = {"rehearsal": False, "parameters": {"generation": given, "actual": {}}, "inputs": known}
    changes = {"steps": 8, "loras.0.scale": 0.5, "loras.0.path": "b", "loras.0.new": [1], "image.url": "y", "cfg": 2}
    varied = with_values(card, changes)
    assert varied["parameters"]["generation"] == {
        "steps": 8, "loras": [{"path": "b", "scale": 0.5, "new": [1]}], "image.url": "y", "cfg": 2
    }  # fmt: skip
    assert (varied["inputs"], varied["varied"], given["steps"]) == ([{"parameter": "mask"}], sorted(changes), 4)
    for name, words in (
        ("loras.1.scale", "loras.1 was not given"),
        ("steps.a", "steps was 4"),
        ("loras.x", "loras was ["),
    ):
        with pytest.raises(ValueError, match=re.escape(words)):
            with_values(card, {name: 1})


async def made(works: Works, home: TestHome, *words: str) -> tuple[str, Json]:
    """What was answered, and the sidecar of what was made then."""
    before = len(works.house.books.index.orders())
    out = await call(home, *words)
    await works.until(lambda: len(works.house.books.index.orders()) > before)
    newest = works.house.books.index.orders()[0].id
    await works.until(lambda: works.items(newest))
    await works.rests()
    (row,) = works.house.books.index.products(newest)
    return out, json.loads(card_of(home.root / row.path).read_text())


async def test_a_product_is_made_again_with_other_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = with_editor(TestHome.make(tmp_path / "home"))
    draw(tmp_path / "hill.png", "green")
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a red car", tags=["fast"]))
        (red,) = home.products()
        before = json.loads(card_of(red).read_text())
        for given, words in WRONG:
            out = await call(home, "remake", str(red), *(word for one in given for word in ("--set", one)))
            assert words in out and out.startswith("2 "), (given, out)
        assert [*home.home.inbox.iterdir()] == [] and len(works.fake.calls()) == 1
        changes = ("--set", "seed=8", "--set", "prompt='a [real] car: blue'")
        out, after = await made(works, home, "remake", str(red), *changes)
        assert "Asks fake acme/painter again for 1 picture of “a [real] car: blue”, seed 8, for at most $0.01." in out
        assert after["parameters"]["generation"] == before["parameters"]["generation"] | {
            "seed": 8, "prompt": "a [real] car: blue"
        }  # fmt: skip
        assert (after["parents"], after["tags"], "varied" in after) == ([before["id"]], ["fast"], False)
        assert "a-real-car" in await call(home, "products", f"parent:{before['id'][:13]}")

        draw(home.home.inbox / "sea.png")
        edited = await works.make(edit("sea.png"), "edit.yaml")
        (row,) = works.house.books.index.products(edited)
        _, other = await made(works, home, "remake", row.id, "--set", f"image={tmp_path}/hill.png")
        assert other["inputs"][0]["sha256"] == sha256((tmp_path / "hill.png").read_bytes()).hexdigest()
        assert other["parents"] == [row.id]
        await works.stop()
    assert [*home.home.temp.iterdir()] == []
