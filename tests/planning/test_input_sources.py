"""Pictures that do not lie beside the order: found when it is accepted, fixed then, and kept in its inputs/."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.cli import plan
from artfactoryd.errors import AskAgain
from artfactoryd.planning import input_sources, preview
from artfactoryd.planning.accepted import plan_of
from tests.homes import TestHome, card_of
from tests.pictures import draw, edit, with_editor
from tests.planning.test_inputs import refused, study
from tests.works import Works, at_work, order, quick

assert quick


def values(found: Any) -> list[str]:
    return [item.parameters["image"] for item in found.plan.items()]


# --- patterns ---


def test_a_pattern_is_an_axis_of_its_pictures_in_order(home: TestHome, tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "deep/c.png", ".hidden.png", "[x].png"):
        draw(tmp_path / "photos" / name)
    (tmp_path / "photos" / "link.png").symlink_to(tmp_path / "photos" / "a.png")
    (tmp_path / "photos" / "order.yaml").write_text("no picture")
    (tmp_path / "photos" / "a.png.xmp").write_text("<of/> a photo program")
    (found,) = study(home, tmp_path, edit("photos/*"))
    assert values(found) == ["photos/[x].png", "photos/a.png", "photos/b.png"]
    assert values(study(home, tmp_path, edit("photos/**/?.png"))[0]) == [
        "photos/a.png", "photos/b.png", "photos/deep/c.png",
    ]  # fmt: skip
    assert values(study(home, tmp_path, edit(["photos/b.png", "photos/*.png"]))[0])[0] == "photos/b.png"
    assert study(home, tmp_path, edit(["photos/b.png", "photos/*.png"]))[0].plan.total_items == 3
    assert values(study(home, tmp_path, edit("photos/[x].png"))[0]) == ["photos/[x].png"]


def test_the_library_is_looked_into_where_nothing_lies_beside_the_order(home: TestHome, tmp_path: Path) -> None:
    data = draw(home.home.library / "faces" / "a.png", "red")
    draw(home.home.library / "faces" / "b.png", "green")
    (found,) = study(home, tmp_path, edit("Library/faces/a.png"))
    assert found.inputs[0].sha256 == hashlib.sha256(data).hexdigest()
    assert found.inputs[0].source == "Library/faces/a.png" and found.inputs[0].name == "a.png"
    assert values(study(home, tmp_path, edit("Library/faces/*.png"))[0]) == [
        "Library/faces/a.png", "Library/faces/b.png",
    ]  # fmt: skip
    beside = draw(tmp_path / "Library" / "faces" / "a.png", "blue")
    (found,) = study(home, tmp_path, edit("Library/faces/a.png"))
    assert (found.inputs[0].sha256, found.inputs[0].source) == (hashlib.sha256(beside).hexdigest(), "")


def test_a_pattern_s_seeds_are_those_of_the_same_pictures_in_a_list(home: TestHome, tmp_path: Path) -> None:
    draw(tmp_path / "a.png", "red")
    draw(tmp_path / "b.png", "blue")
    seeds = [[item.seed for item in study(home, tmp_path, edit(image))[0].plan.items()] for image in (
        "*.png", ["a.png", "b.png"])]  # fmt: skip
    assert seeds[0] == seeds[1]


# --- addresses ---


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """The addresses asked for; each has one picture."""
    asked: list[str] = []
    draw(tmp_path / "web.png", "purple")

    def fetch(address: str, target: Path, most_bytes: int) -> None:
        asked.append(address)
        if "gone" in address:
            raise AskAgain("The output host cannot be reached.")
        shutil.copyfile(tmp_path / "web.png", target)

    monkeypatch.setattr(input_sources, "fetch", fetch)
    yield asked


def test_an_address_is_fetched_and_named_by_its_end(home: TestHome, tmp_path: Path, web: list[str]) -> None:
    (found,) = study(home, tmp_path, edit(["https://example.org/a/My%20Cat.PNG?key=1", "https://example.org/"]))
    assert [each.name for each in found.inputs] == ["my-cat.png", "picture.png"]
    assert len(web) == 2


def test_offline_it_says_what_cannot_be_fetched_and_what_to_do(home: TestHome, tmp_path: Path, web: list[str]) -> None:
    (problem,) = refused(home, tmp_path, edit("https://example.org/gone.png?key=secret")).problems
    assert problem.message == "https://example.org/gone.png cannot be fetched: The host cannot be reached."
    assert "drop the order again" in problem.fix and not web[1:]


@pytest.mark.parametrize("form", ["yaml", "json"])
async def test_a_signed_address_stands_in_order_yaml_alone(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, web: list[str], form: str, quick: None
) -> None:
    signed = "https://example.org/a.png?X-Sig=abc&id=é/1"
    value = {"provider": "fake", "model": "editor", "parameters": {"prompt": "x", "image": [signed, signed + "2"]}}
    text = documents.dump_yaml(value) if form == "yaml" else json.dumps(value)
    async with at_work(with_editor(home), monkeypatch) as works:
        order_id = await works.make(text, f"cars.{form}")
        assert works.states(order_id) == ["completed"] * 2 and len(web) == 2
        folder = home.root / works.folder(order_id)
        assert (folder / "order.yaml").read_bytes() == text.encode()
        source = home.sidecars()[0]["inputs"][0]["source"]
        assert source.startswith("https://example.org/a.png#")
    files = [path for path in home.root.rglob("*") if path.is_file() and b"X-Sig" in path.read_bytes()]
    assert files == [folder / "order.yaml"]


WRITTEN = {
    "folded": "image: >-\n    https://example.org/a.png?X-Sig=abc&id=9\n  seed: 3",
    "literal": "image: |-\n    https://example.org/a.png?X-Sig=abc&id=9\n  seed: 3",
    "broken": 'image: "https://example.org/a.png\\\n      ?X-\\\n      Sig=abc&id=9"\n  seed: 3',
    "escaped": 'image: "https://example.org/a.png\\x3fX\\u002dSig=abc\\u0026id=9"\n  seed: 3',
    "slashed": 'image: "https:\\/\\/example.org\\/a.png?X-Sig=abc&id=9"\n  seed: 3',
    "tagged": 'image: !raw &it "https://example.org/a.png\\x3fX-Sig=abc&id=9"\n  mask: *it\n  seed: 3',
    "single": "image: 'https://example.org/a.png?X-Sig=abc&id=9' # https://example.org/a.png?X-Sig=abc&id=9\n  seed: 3",
    "listed": 'image: ["https://example.org/a\\x3fX-Sig=abc&id=9", "https://example.org/b\\x3fX-Sig=abc"]\n  seed: 3',
}


@pytest.mark.parametrize(
    ("how", "encoding", "where"),
    [*((how, "utf-8", "order") for how in WRITTEN), ("escaped", "utf-16", "order"), ("broken", "utf-8", "template")],
)
async def test_a_signed_address_is_cut_however_it_is_written(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, web: list[str], how: str, encoding: str, where: str, quick: None
) -> None:
    text = f"provider: fake\nmodel: editor\nparameters:\n  {WRITTEN[how]}\n  prompt: x 😀\n"
    if where == "template":
        (home.home.library / "templates").mkdir()
        (home.home.library / "templates" / "base.yaml").write_text(text)
        text = "template: base\n"
    async with at_work(with_editor(home), monkeypatch) as works:
        works.home.drop("cars.yaml", text.encode(encoding))
        await works.until(works.house.books.index.orders)
        await works.rests()
        assert set(works.states()) == {"completed"} and all("X-Sig=abc" in address for address in web)
        (row,) = works.house.books.index.orders()
        again = plan_of(row)  # as the next start makes it
        assert [item.parameters for item in again.items()] == [item.generation for item in works.items(row.id)]
        assert {item.seed for item in works.items(row.id)} == {3}
    kept = [path for path in home.root.rglob("*") if path.is_file() and b"Sig" in path.read_bytes().replace(b"\0", b"")]
    assert {path.name for path in kept} <= {"order.yaml", "base.yaml"}


LEAKS = {
    "held": ('image: "https://example.org/a.png?X-Sig=abc"', "budget: 0.001"),
    "gone": ('image: "https://example.org/gone.png?X-Sig=abc"', ""),
    "of a wrong kind": ('seed: "https://example.org/a.png?X-Sig=abc"', ""),
    "of no parameter": ('imaje: "https://example.org/a.png?X-Sig=abc"', ""),
    "far to the right": (f'imaje: "https://example.org/{"a" * 200}.png?X-Sig=abc"', ""),
}


@pytest.mark.parametrize("how", LEAKS)
async def test_neither_the_plan_nor_a_word_beside_a_file_repeats_what_signs_an_address(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, web: list[str], how: str, capsys: pytest.CaptureFixture[str],
    quick: None,
) -> None:  # fmt: skip
    parameter, head = LEAKS[how]
    text = f"provider: fake\nmodel: editor\n{head}\nparameters:\n  prompt: x\n  {parameter}\n"
    file = home.root / "cars.yaml"
    file.write_text(text)
    async with at_work(with_editor(home), monkeypatch) as works:
        planned = preview.plan(home.home, works.house.settings.now, file, rehearse=False, most=None)
        plan.show(planned, print)
        plan._on_terminal(planned)
        home.drop("cars.yaml", text)
        await works.until(lambda: [*home.home.rejected.glob("*.txt"), *home.home.held.glob("*.txt")])
        told = [path.read_text() for place in (home.home.rejected, home.home.held) for path in place.glob("*.txt")]
    shown = capsys.readouterr().out
    assert "cars" in shown and "abc" not in "".join([shown, *told])


# --- products, in the whole house ---


def parents(works: Works) -> list[list[str]]:
    rows = works.house.books.index.newest_products(10)
    cards = [documents.read_documents(card_of(works.home.root / row.path).read_bytes(), "card") for row in rows]
    return [card[0].value["parents"] for card in cards]


async def test_a_product_and_a_query_are_inputs_fixed_at_acceptance(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    draw(home.home.library / "wall.png", "grey")
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.make(order("a [red,blue] car", project="cars"))
        red, blue = works.house.books.index.products(works.house.books.index.orders()[0].id)
        both = f"product:{red.id[:-3]}"
        once = await works.make(edit([both, "Library/wall.png"], project="boats"), "one.yaml")
        known = works.order(once).inputs
        assert [each["source"] for each in known] == [f"product:{red.id}", "Library/wall.png"]
        assert parents(works)[:2] == [[], [red.id]]
        query = await works.make(edit("products: project:cars", seed=5), "all.yaml")
        assert [each["value"] for each in works.order(query).inputs] == [f"product:{i.id}" for i in (blue, red)]
        (works.home.root / red.path).unlink()
        folder = works.home.root / works.folder(query)
        assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "inputs").iterdir()} == {
            red.original, blue.original,
        }  # fmt: skip
        works.home.drop("late.yaml", edit(both))
        await works.until(lambda: (works.home.home.rejected / "late.yaml.error.txt").exists())
        assert "is no longer on the shelf" in (works.home.home.rejected / "late.yaml.error.txt").read_text()


async def test_a_held_order_is_made_of_the_pictures_it_was_accepted_with(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    was = draw(home.home.library / "wall.png", "grey")
    async with at_work(with_editor(home), monkeypatch) as works:
        held = await works.take(edit("Library/*.png", budget=0.001))
        draw(home.home.library / "wall.png", "pink")
        draw(home.home.library / "more.png", "pink")
        await works.tell("approve", held)
        await works.until(lambda: works.state(held) == "completed")
        folder = works.home.root / works.folder(held)
        assert (folder / "inputs" / "wall.png").read_bytes() == was
        assert works.order(held).total_items == 1


async def test_a_loose_order_s_pattern_takes_its_pictures_along(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    async with at_work(with_editor(home), monkeypatch) as works:
        for name in ("one.png", "two.png"):
            draw(works.home.home.inbox / name, {"one.png": "red", "two.png": "blue"}[name])
        made = await works.make(edit("*.png"))
        assert works.order(made).total_items == 2
        await works.until(lambda: not list(works.home.home.inbox.glob("*.png")))
