"""What a drop-box gives its orders: fixed when one is taken, shown by `plan`, and part of what makes it the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.cli.plan import text
from artfactoryd.errors import WrongUse
from artfactoryd.intake.claim import Claim
from artfactoryd.intake.consumer import Consumer
from artfactoryd.intake.judging import Ready, Stray
from artfactoryd.planning import defaults
from artfactoryd.planning.preview import plan
from artfactoryd.settings import Inbox, Settings, load
from tests.homes import TestHome
from tests.works import Works, at_work, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
BOX = "provider: fake\nmodel: painter\nbudget: 1\nparameters: {num_outputs: 2}\n"


def box(home: TestHome, text: str = BOX, name: str = "cars") -> Path:
    folder = home.home.inbox / name
    folder.mkdir(exist_ok=True)
    (folder / "defaults.yaml").write_text(text)
    return folder


async def made(works: Works, name: str, text: str) -> str:
    order_id = await works.take(text, name)
    await works.until(lambda: works.order(order_id).held or works.items(order_id))
    await works.rests()
    return order_id


@pytest.mark.parametrize(
    "written", ["prompt: a red car\n", "parameters: {prompt: a red car}\n", '{"prompt": "a red car"}']
)
async def test_in_a_drop_box_with_defaults_a_prompt_is_an_order(
    home: TestHome, monkeypatch: Patch, written: str
) -> None:
    folder = box(home)
    async with at_work(home, monkeypatch) as works:
        order_id = await made(works, "cars/red.yaml", written)
        row = works.order(order_id)
        assert (row.project, row.cap, works.states()) == ("cars", 1_000_000, ["completed"])
        assert works.fake.calls()[0].parameters["num_outputs"] == 2
        assert (folder / "defaults.yaml").exists()
        papers = home.root / works.folder(order_id)
        assert (papers / "order.yaml").read_text() == written
        whole = documents.read_documents((papers / "order.resolved.yaml").read_bytes(), "r.yaml")[0].value
        assert (whole["provider"], whole["budget"]) == ("fake", 1)
        assert whole["parameters"] == {"prompt": "a red car", "num_outputs": 2}


async def test_the_orders_own_words_and_its_template_go_before_the_drop_boxs(
    home: TestHome, monkeypatch: Patch
) -> None:
    (home.home.library / "templates").mkdir(exist_ok=True)
    (home.home.library / "templates" / "noir.yaml").write_text("notes: dark\nparameters: {num_outputs: 3}\n")
    box(home, BOX + "notes: bright\ntags: [box]\n")
    async with at_work(home, monkeypatch) as works:
        order_id = await made(works, "cars/red.yaml", "prompt: a red car\ntemplate: noir\nbudget: 2\n")
        row = works.order(order_id)
        assert (row.notes, row.tags, row.cap) == ("dark", ["box"], 2_000_000)
        assert works.fake.calls()[0].parameters["num_outputs"] == 3


async def test_what_the_defaults_said_is_fixed_when_the_order_is_taken(home: TestHome, monkeypatch: Patch) -> None:
    folder = box(home, BOX + "limit: 1\n")
    async with at_work(home, monkeypatch) as works:
        order_id = await made(works, "cars/red.yaml", "prompt: a [red,blue] car\n")
        held = works.order(order_id)
        assert held.is_held and "limit" in held.reasons[0].text
        (folder / "defaults.yaml").write_text(BOX.replace("num_outputs: 2", "num_outputs: 4"))
        (home.home.held / "red.yaml").rename(home.home.inbox / "red.yaml")  # approved: as it was then
        await works.until(lambda: works.states(order_id) == ["completed", "completed"])
        assert [call.parameters["num_outputs"] for call in works.fake.calls()] == [2, 2]


async def test_moved_from_held_into_a_drop_box_that_says_something_else_it_is_another_order(
    home: TestHome, monkeypatch: Patch
) -> None:
    folder = box(home, BOX + "limit: 1\n")
    async with at_work(home, monkeypatch) as works:
        first = await made(works, "cars/red.yaml", "prompt: a [red,blue] car\n")
        await works.until(lambda: (home.home.held / "red.yaml").exists())
        (folder / "defaults.yaml").write_text(BOX)
        (home.home.held / "red.yaml").rename(folder / "red.yaml")
        await works.until(lambda: len(works.house.books.index.orders()) == 2)
        second = works.house.books.index.orders()[0].id
        await works.until(lambda: works.items(second))
        await works.rests()
        assert works.state(second) == "completed" and works.order(first).is_held
        assert works.order(second).fingerprint != works.order(first).fingerprint


async def test_the_same_words_under_the_same_defaults_are_a_duplicate(home: TestHome, monkeypatch: Patch) -> None:
    folder = box(home)
    async with at_work(home, monkeypatch) as works:
        await made(works, "cars/red.yaml", "prompt: a red car\n")
        again = await made(works, "cars/red.yaml", "prompt: a red car\n")
        assert works.order(again).is_held
        (folder / "defaults.yaml").write_text(BOX + "notes: others\n")
        other = await made(works, "cars/red.yaml", "prompt: a red car\n")
        assert not works.order(other).is_held


async def test_a_picture_that_the_defaults_name_stays_for_the_orders_to_come(
    home: TestHome, monkeypatch: Patch
) -> None:
    from tests.pictures import draw

    folder = box(home, "provider: other\nmodel: editor\nparameters: {image: logo.png, strength: '1,2'}\n")
    draw(folder / "logo.png")
    async with at_work(home, monkeypatch) as works:
        for name, seed in (("a.yaml", 1), ("b.yaml", 2)):
            await made(works, f"cars/{name}", f"parameters: {{seed: {seed}}}\n")
        assert works.states() == ["completed"] * 4 and (folder / "logo.png").exists()


@pytest.mark.parametrize(("text_of_box", "told"), [
    ("provider: fake\nmodel: painter\nnumber: 3\n", ["cars/defaults.yaml", "E_UNKNOWN_KEY", "number"]),
    ("provider: [\n", ["cars/defaults.yaml", "E_YAML"]),
    ("provider: fake\n---\nmodel: painter\n", ["cars/defaults.yaml", "one document"]),
    ("provider: fake\n", ["red.yaml", "E_REQUIRED", "model"]),
    (BOX + "parameters2: {}\n", ["cars/defaults.yaml", "parameters2"]),
    ("provider: fake\nmodel: painter\nparameters: {num_outputs: 9}\n", ["cars/defaults.yaml", "num_outputs", "4"]),
])  # fmt: skip
def test_what_is_wrong_with_the_defaults_is_told_where_it_stands(
    home: TestHome, text_of_box: str, told: list[str]
) -> None:
    from tests.works import PAINTER

    (home.home.library / "models" / "painter.yaml").write_text(documents.dump_yaml(PAINTER))
    file = box(home, text_of_box) / "red.yaml"
    file.write_text("prompt: a red car\n")
    planned = plan(home.home, Settings(), file, rehearse=True, most=3)
    words = "\n".join(text(planned))
    assert planned.exit_code == 1 and all(word in words for word in told), words


@pytest.mark.parametrize("written", [
    "prompt: a car\nparameters: {prompt: a boat}\n", "prompt: a car\nnegative: b\n", "prompt: a car\nparameters: []\n",
])  # fmt: skip
def test_every_other_unknown_key_stays_an_error(home: TestHome, written: str) -> None:
    file = box(home) / "red.yaml"
    file.write_text(written)
    assert plan(home.home, Settings(), file, rehearse=True, most=3).exit_code == 1


def test_outside_a_drop_box_with_defaults_a_lone_prompt_is_an_unknown_key(home: TestHome, tmp_path: Path) -> None:
    file = tmp_path / "red.yaml"
    file.write_text("prompt: a red car\nprovider: local\nmodel: sketch\n")
    words = "\n".join(text(plan(home.home, Settings(), file, rehearse=False, most=3)))
    assert "E_UNKNOWN_KEY" in words


def planned(home: TestHome, file: Path, settings: Settings, **options: Any) -> dict[str, Any]:
    shown = plan(home.home, settings, file, rehearse=False, most=3, **options)
    assert shown.exit_code == 0, list(text(shown))
    head: dict[str, Any] = json.loads("".join(shown.json()))["orders"][0]
    return {**head, "lines": [line for line in text(shown) if "default" in line]}


def test_plan_shows_what_was_added_and_from_where(home: TestHome, tmp_path: Path) -> None:
    given = {"cars": {"provider": "local", "model": "sketch", "parameters": {"width": 64, "height": 64}}}
    settings = Settings(inbox=Inbox(defaults=given))
    file = box(home, "parameters: {width: 128}\n") / "red.yaml"
    file.write_text("prompt: a red car\n")
    head = planned(home, file, settings)
    assert {(added["key"], added["value"], added["from"]) for added in head["defaults"]} == {
        ("parameters.width", 128, "cars/defaults.yaml"), ("provider", "local", "inbox.defaults.cars"),
        ("model", "sketch", "inbox.defaults.cars"), ("parameters.height", 64, "inbox.defaults.cars"),
    }  # fmt: skip
    assert head["project"] == "cars" and "/cars/" in head["folder"]
    assert "parameters.width: 128 (from cars/defaults.yaml)" in head["lines"][0]
    elsewhere = tmp_path / "red.yaml"
    elsewhere.write_text("prompt: a red car\n")
    assert planned(home, elsewhere, settings, box="cars")["defaults"] == head["defaults"]
    with pytest.raises(WrongUse, match="is not an order: it is what orders in cars may leave out"):
        plan(home.home, settings, file.with_name("defaults.yaml"), rehearse=False, most=3)


def test_an_order_that_the_program_wrote_out_takes_no_defaults(home: TestHome) -> None:
    file = box(home) / "again.yaml"
    head = "# Order 01900000-0000-7000-8000-0000000000ff, accepted 2026-11-22T12:00:00.000Z by artfactoryd 0.1.0\n"
    file.write_text(head + "provider: local\nmodel: sketch\nparameters: {prompt: a car}\n")
    assert planned(home, file, Settings())["defaults"] == []


def test_two_files_of_defaults_are_one_too_many(home: TestHome) -> None:
    folder = box(home)
    (folder / "Defaults.yml").write_text(BOX)
    (folder / "red.yaml").write_text("prompt: a red car\n")
    shown = plan(home.home, Settings(), folder / "red.yaml", rehearse=True, most=3)
    assert shown.exit_code == 1 and "Keep one of them" in "\n".join(text(shown))


def test_defaults_in_the_settings_are_checked_with_them(home: TestHome) -> None:
    home.configure(inbox={"defaults": {"cars": {"provider": "local", "modell": "sketch"}}})
    with pytest.raises(Exception, match="modell"):
        load(home.home.settings_file, {})
    home.configure(inbox={"defaults": {"cars": {"provider": "local", "model": "sketch"}}})
    settings = load(home.home.settings_file, {})
    assert defaults.of_box(home.home.inbox / "cars", "cars", settings) == {
        "inbox.defaults.cars": "provider: local\nmodel: sketch\n"
    }
    assert defaults.of_box(home.home.inbox / "boats", "boats", settings) == {}


async def test_an_accepted_orders_plan_is_made_again_with_what_the_defaults_said(
    home: TestHome, monkeypatch: Patch
) -> None:
    from artfactoryd.planning import accepted

    folder = box(home)
    async with at_work(home, monkeypatch) as works:
        order_id = await made(works, "cars/red.yaml", "prompt: a [red,blue] car\n")
        (folder / "defaults.yaml").unlink()
        accepted._plans.clear()
        again = accepted.plan_of(works.order(order_id))
        assert [item.parameters["num_outputs"] for item in again.items()] == [2, 2]


@pytest.mark.parametrize(
    ("text", "name", "is_named"),
    [
        ("# as in red.yaml, or 1.png\nparameters: {image: ref1.png}\n", "1.png", False),
        ("parameters: {image: ref1.png}\n", "ref1.png", True),
        ("parameters: {image: ./refs/1.png}\n", "refs", True), ("parameters: {image: ./refs/1.png}\n", "1.png", True),
        ("parameters: {image: caf\u00e9.png}\n", "cafe\u0301.png", True),
        ("notes: red.yaml\n", "red.yaml", False), ("image: [logo.png\n", "logo.png", True),
    ],
)  # fmt: skip
def test_what_the_defaults_name_stays_in_the_drop_box_and_no_more(text: str, name: str, is_named: bool) -> None:
    assert defaults.mention({"cars/defaults.yaml": text}, name) is is_named


async def test_an_order_that_the_defaults_speak_of_is_taken(home: TestHome, monkeypatch: Patch) -> None:
    box(home, f"# write them like red.yaml\n{BOX}")
    async with at_work(home, monkeypatch) as works:
        await made(works, "cars/red.yaml", "prompt: a red car\n")
        assert works.states() == ["completed"]


@pytest.mark.parametrize("lay", [lambda path: path.symlink_to("elsewhere.yaml"), lambda path: path.mkdir()])
async def test_where_the_defaults_are_no_file_nothing_is_bought_and_that_is_said(
    home: TestHome, monkeypatch: Patch, lay: Any
) -> None:
    folder = box(home)
    (folder / "defaults.yaml").unlink()
    lay(folder / "defaults.yaml")
    (folder / "red.yaml").write_text("provider: fake\nmodel: painter\nparameters: {prompt: a red car}\n")
    with pytest.raises(OSError, match=r"defaults\.yaml in it is"):
        defaults.of_box(folder, "cars", Settings())
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: "put the file itself there" in works.daemon._blind)
        assert (folder / "red.yaml").exists() and not works.states()


async def test_defaults_that_are_saved_between_a_look_and_the_taking_are_looked_at_first(
    home: TestHome, monkeypatch: Patch
) -> None:
    folder, real = box(home, "provider: fake\nmodel: painter\n"), Consumer._claim
    times: list[Claim | None] = []

    def claim(self: Consumer, entry: Ready | Stray) -> Claim | None:
        if not times:
            (folder / "defaults.yaml").write_text(BOX)
        times.append(real(self, entry))
        return times[-1]

    monkeypatch.setattr(Consumer, "_claim", claim)
    async with at_work(home, monkeypatch) as works:
        order_id = await made(works, "cars/red.yaml", "prompt: a red car\n")
        assert works.order(order_id).cap == 1_000_000
    assert times[0] is None and len(times) == 2
