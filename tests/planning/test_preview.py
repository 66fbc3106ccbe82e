from __future__ import annotations

import io
import json
import re
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.cli.plan import show
from artfactoryd.planning.preview import plan
from artfactoryd.settings import Settings
from tests.homes import CARS, TestHome
from tests.pictures import draw

SKETCHES = """provider: local
model: sketch
project: Cars
parameters:
  prompt: 'a [red,blue] car'
  width: 64
  height: 64
"""


def planned(home: TestHome, text: str, *words: str) -> dict[str, Any]:
    file = home.root / "cars.yaml"
    file.write_text(text)
    found: dict[str, Any] = home.ask("plan", str(file), *words)
    return found["orders"][0]


def everything(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_planning_writes_nothing_and_needs_no_home(home: TestHome, tmp_path: Path) -> None:
    (file := tmp_path / "cars.yaml").write_text(CARS)
    before = everything(home.root)
    assert home.call("plan", str(file)).returncode == 0
    assert everything(home.root) == before
    home.home = type(home.home)(tmp_path / "nowhere")
    assert home.call("plan", str(file)).returncode == 0
    assert not (tmp_path / "nowhere").exists()


def test_the_document_has_the_promised_keys(home: TestHome) -> None:
    order = planned(home, CARS)
    assert {
        "name", "project", "model", "total_items", "total_products", "price", "held", "warnings", "errors", "axes",
        "items",
    } <= order.keys()  # fmt: skip
    assert {"index", "parameters", "tokens", "seed", "names"} <= order["items"][0].keys()
    assert (order["total_items"], order["price"]["usd"], order["price"]["complete"]) == (4, 0.012, True)


@pytest.mark.parametrize(("day", "is_old"), [("2020-01-01", True), ("2999-01-01", False)])
def test_a_price_that_was_looked_up_long_ago_is_told_and_holds_nothing(
    home: TestHome, capsys: pytest.CaptureFixture[str], day: str, is_old: bool
) -> None:
    model = "provider: replicate\nmodel: acme/x\nschema: {properties: {prompt: {}}}\n"
    (home.home.models / "x.yaml").write_text(f"{model}price: {{usd: 1, as_of: {day}}}\n")
    (file := home.root / "cars.yaml").write_text("provider: replicate\nmodel: acme/x\nparameters: {prompt: a}\n")
    for rehearse in (False, True):
        found = plan(home.home, Settings(), file, rehearse=rehearse, most=1)
        [head] = [order.head for order in found.orders]
        told = [(price["model"], price["as_of"]) for price in head["price"]["stale"]]
        assert told == ([("acme/x", day)] if is_old and not rehearse else []) and head["held"] == []
        show(found, print)
        words = "warning  The price of acme/x (replicate) was looked up"
        assert (words in capsys.readouterr().out) == bool(told)


@pytest.mark.parametrize(
    ("entry", "rehearse", "is_told"),
    [("price: {usd: 1}", False, True), ("price: {usd: 1}", True, False), ("price: {usd: 0}", False, False),
     ("", False, True), ("seed: seed\nprice: {usd: 1}", False, False)],
)  # fmt: skip
def test_a_model_that_takes_no_seed_and_costs_is_said_to_be_not_repeatable(
    home: TestHome, capsys: pytest.CaptureFixture[str], entry: str, rehearse: bool, is_told: bool
) -> None:
    schema = "schema: {properties: {prompt: {}, seed: {type: integer}}}\n"
    (home.home.models / "x.yaml").write_text(f"provider: replicate\nmodel: acme/x\n{schema}{entry}\n")
    (file := home.root / "cars.yaml").write_text("provider: replicate\nmodel: acme/x\nparameters: {prompt: a}\n")
    show(plan(home.home, Settings(), file, rehearse=rehearse, most=1), print)
    assert ("seeds    acme/x takes no seed: not repeatable" in capsys.readouterr().out) == is_told


def test_what_is_planned_is_what_is_made(home: TestHome) -> None:
    """The same seeds, the same names up to the hash, the same folder."""
    order = planned(home, SKETCHES)
    home.drop("cars.yaml", SKETCHES)
    assert home.once() == 0
    made = home.sidecars()
    assert [item["seed"] for item in order["items"]] == [each["item"]["seed"] for each in made]
    assert [item["parameters"] for item in order["items"]] == [each["parameters"]["generation"] for each in made]
    starts = [item["names"][0].partition("…")[0] for item in order["items"]]
    assert all(path.name.startswith(start) for path, start in zip(home.products(), starts, strict=True))
    assert {str(path.parent) for path in home.products()} == {order["folder"]}


def test_the_same_bytes_again_are_planned_as_held_and_with_other_seeds(home: TestHome) -> None:
    first = planned(home, SKETCHES)
    home.drop("cars.yaml", SKETCHES)
    assert home.once() == 0
    again = planned(home, SKETCHES)
    assert [reason["code"] for reason in again["held"]] == ["duplicate"]
    assert {item["seed"] for item in again["items"]} & {item["seed"] for item in first["items"]} == set()
    assert home.call("plan", str(home.root / "cars.yaml")).returncode == 3


def test_a_project_that_differs_in_case_lands_in_the_folder_there_is(home: TestHome) -> None:
    (home.home.projects / "cars").mkdir()
    assert "/Projects/cars/" in planned(home, SKETCHES)["folder"]


def test_every_mistake_is_shown_with_its_place_and_the_way_out(home: TestHome) -> None:
    (file := home.root / "cars.yaml").write_text(SKETCHES.replace("red,blue]", "red,blue").replace("width", "widht"))
    done = home.call("plan", str(file))
    assert done.returncode == 1
    assert (
        "cars.yaml, line 5, column 14, in parameters.prompt" in done.stdout
        and "E_UNCLOSED)" in done.stdout
        and "Did you mean width?" in done.stdout
    )
    errors = json.loads(home.call("plan", str(file), "--json").stdout)["orders"][0]["errors"]
    assert [(each["parameter"], each["line"], each["column_in_value"]) for each in errors] == [
        ("prompt", 5, 3), ("widht", 6, None)
    ]  # fmt: skip


def test_a_rehearsal_costs_nothing_and_says_so(home: TestHome) -> None:
    (file := home.root / "cars.yaml").write_text(CARS)
    text = home.call("plan", str(file), "--rehearse").stdout
    assert "(rehearsal: drawn here, for nothing)" in text and "price    free\n" in text and "cars-rehearsal" in text


@pytest.mark.parametrize(("words", "listed"), [([], 10), (["--items", "2"], 2), (["--items", "all"], 12)])
def test_as_many_items_are_listed_as_asked_for(home: TestHome, words: list[str], listed: int) -> None:
    twelve = SKETCHES + "  seed: '" + ",".join(map(str, range(6))) + "'\n"
    assert len(planned(home, twelve, *words)["items"]) == listed
    text = home.call("plan", str(home.root / "cars.yaml"), *words).stdout
    assert ("more (--items all)" in text) == (listed < 12)


def test_a_hundred_thousand_items_stream_as_one_document(home: TestHome) -> None:
    """No list of them is ever made: the pieces are small, and together they are the document."""
    (file := home.root / "many.yaml").write_text(SKETCHES + "  seed: '0..49999'\nproof: 3\nlimit: 1000000\n")
    found = plan(home.home, Settings(), file, rehearse=False, most=None)
    pieces = islice(found.json(), 2000)
    assert max(map(len, pieces)) < 5000
    few = plan(home.home, Settings(), file, rehearse=False, most=3)
    assert json.loads("".join(few.json())) == few.document
    assert len(few.document["orders"][0]["proof"]["items"]) == 3


def test_names_that_would_be_the_same_are_told_and_told_apart(home: TestHome) -> None:
    order = planned(home, SKETCHES + "file: 'all/{width}.{ext}'\n")
    assert [item["names"] for item in order["items"]] == [["all/64.png"], ["all/64-2.png"]]
    assert [(each["code"], each["line"]) for each in order["warnings"]] == [("W_NAMES", 8)]
    own = "provider: local\nmodel: sketch\nlookups: {family: [smith, jones]}\nparameters: {prompt: '[family] car'}\n"
    order = planned(home, own + "file: '{provider}-{family}-{model}-{index}.{ext}'\n")
    assert order["items"][1]["names"] == ["local-sketch-sketch-2.png"]
    [other] = order["warnings"]
    assert other["text"].startswith("{family} in a name is that of the model") and not other["holds"]
    stage = "then:\n  - {provider: local, model: resize, parameters: {width: 9}, file: 'x.{ext}'}\n"
    order = planned(home, SKETCHES + stage)
    assert [(each["code"], each["key"]) for each in order["warnings"]] == [("W_NAMES", "then.0.file")]
    versions = planned(home, SKETCHES + "file: 'v{version:02d}.{ext}'\n")
    assert [item["names"] for item in versions["items"]] == [["v01.png"], ["v02.png"]] and not versions["warnings"]


def test_names_in_folders_are_those_on_the_shelf(home: TestHome) -> None:
    text = SKETCHES.replace("64\n", "'64,72'\n", 1) + "file: '{width}/{prompt} {version}.{ext}'\n"
    order = planned(home, text)
    home.drop("cars.yaml", text)
    assert home.once() == 0
    made = sorted(str(path.relative_to(order["folder"])) for path in home.products())
    assert made == sorted(item["names"][0].replace("*", "png") for item in order["items"])
    assert made == ["64/a-blue-car 1.png", "64/a-red-car 1.png", "72/a-blue-car 1.png", "72/a-red-car 1.png"]
    assert [each["file"]["name"] for each in home.sidecars()] == [Path(name).name for name in made]
    assert home.call("reindex").returncode == 0 and len(home.index.newest_products(9)) == 4


@pytest.mark.parametrize("line", ["api_key: {}", "notes: {}", "  output_format: {}"])
def test_a_line_with_a_key_in_it_is_not_shown(home: TestHome, line: str) -> None:
    key = "r8_" + "x1" * 19
    (file := home.root / "cars.yaml").write_text(f"{SKETCHES}{line.format(key)}\n")
    done = home.call("plan", str(file))
    assert done.returncode and key not in done.stdout + done.stderr
    if line.startswith("api"):
        assert "make a new one" in done.stdout + done.stderr


def test_a_warning_is_shown_under_its_line_and_a_hold_says_how_to_go_on(home: TestHome) -> None:
    (file := home.root / "cars.yaml").write_text(SKETCHES.replace("car'", "car (big:1.2)'") + "limit: 1\n")
    shown = home.call("plan", str(file)).stdout.splitlines()
    place = next(n for n, line in enumerate(shown) if "W_FOREIGN" in line)
    assert shown[place + 1].endswith("prompt: 'a [red,blue] car (big:1.2)'")
    assert shown[place + 2].index("^") == shown[place + 1].index("(big")
    text = "\n".join(shown)
    assert "more than 1 (its own `limit`) need your word" in text and "until you move it to the Inbox again" in text


def test_on_a_terminal_the_page_has_columns_and_fits(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    (file := home.root / "cars.yaml").write_text(SKETCHES)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    show(plan(home.home, Settings(), file, rehearse=False, most=10), print)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert plain != terminal.getvalue() and "prompt a red car" in plain
    assert max(map(len, plain.splitlines())) <= 80 and "cars: 2 items, 2 pictures" in plain


def test_a_plan_tells_first_and_last_only_of_what_has_text(home: TestHome, capsys: pytest.CaptureFixture[str]) -> None:
    draw(home.root / "me.png")
    (file := home.root / "small.yaml").write_text(
        "provider: local\nmodel: resize\nparameters: {image: me.png, width: [8,9]}\n"
    )
    show(plan(home.home, Settings(), file, rehearse=False, most=3), print)
    told = capsys.readouterr().out
    assert "2 items" in told and "  first  " not in told and "  last  " not in told
    assert "  price    free\n" in told
    file.write_text(SKETCHES)
    show(plan(home.home, Settings(), file, rehearse=False, most=3), print)
    assert "first    a red car" in capsys.readouterr().out


def test_a_broken_lookup_is_the_trouble_of_orders_that_use_it(home: TestHome) -> None:
    lookups = home.home.library / "lookups"
    lookups.mkdir(parents=True, exist_ok=True)
    (lookups / "broken.txt").write_bytes(b"bl\xe5\n")
    assert planned(home, SKETCHES)["errors"] == []
    (error,) = planned(home, SKETCHES.replace("[red,blue]", "[broken]"))["errors"]
    assert error["code"] == "E_ENCODING" and error["file"] == str(lookups / "broken.txt")


def test_a_warning_that_holds_stands_once_and_a_name_as_it_will_be(
    home: TestHome, capsys: pytest.CaptureFixture[str]
) -> None:
    (file := home.root / "moon.yaml").write_text(
        "provider: replicate\nmodel: flux-schnell\nparameters: {prompt: 'a (moon:1.2)'}\n"
    )
    show(planned := plan(home.home, Settings(), file, rehearse=False, most=3), print)
    told = capsys.readouterr().out
    assert told.count("weight of another tool") == 1 and "  held     (moon:1.2)" in told
    assert "0001-a-moon-1-2-….webp" in told and "  first  " in told and "  last  " not in told
    assert planned.exit_code == 3


PHOTOS = """provider: local
model: resize
parameters: {image: ["IMG_0012.PNG", trip/b.c.jpg], width: 32}
file: "{image}-{width}.{ext}"
then:
  - {id: web, provider: local, model: convert, parameters: {format: webp}, file: "web/{image} of {photo}.{ext}"}
  - {id: grey, provider: local, model: convert, after: web, parameters: {colours: 4}, keep: false}
  - {id: last, provider: local, model: resize, parameters: {width: 16}, file: "{stage}/{image} {format} {photo}.{ext}"}
"""


def test_products_are_called_after_the_pictures_they_were_made_from_at_every_stage(home: TestHome) -> None:
    """The one that an item takes, by its parameter's name; the first of all as photo; the rest by what was before."""
    album = home.home.inbox / "album"
    for name in ("IMG_0012.PNG", "trip/b.c.jpg"):
        draw(album / name)
    (album / "order.yaml").write_text(PHOTOS)
    (planned,) = plan(home.home, Settings(), album / "order.yaml", rehearse=False, most=20).document["orders"]
    assert home.once() == 0
    made = {str(path.relative_to(planned["folder"])) for path in home.products()}
    assert made == {name.replace("*", "webp") for item in planned["items"] for name in item["names"]}
    assert made == {
        "IMG_0012-32.jpg", "web/IMG_0012-32 of IMG_0012.webp", "last/IMG_0012-32-of-IMG_0012 webp IMG_0012.webp",
        "b-c-32.jpg", "web/b-c-32 of b-c.webp", "last/b-c-32-of-b-c webp b-c.webp",
    }  # fmt: skip


ENDS_AND_MAKERS: list[tuple[str, list[str], list[str]]] = [
    (
        "provider: replicate\nmodel: flux-kontext-pro\nparameters: {input_image: 'p*.png', prompt: at night}\n",
        ["first    at night (p1.png)\n", "last     at night (p2.png)\n"], ["flux-kontext-pro  0001"],
    ),
    (
        "models: [{provider: replicate, model: flux-schnell}, {provider: fal, model: flux-dev}]\nproof: 2\n"
        "parameters: {prompt: a cat}\n",
        [
            "model    replicate black-forest-labs/flux-schnell, $0.003 per image that comes (as of 2026-10-07)\n",
            "first    a cat (flux-schnell)\n", "last     a cat (flux-dev)\n",
            "   1  replicate/flux-schnell  0001-a-cat-", "   2  fal/flux-dev  0002-a-cat-",
            "A proof of 2 is the whole order (2 items).",
        ],
        ["at most $0.028, price of", "then it waits for you"],
    ),
    (
        "provider: local\nmodel: sketch\nproof: 1\nparameters: {prompt: 'a [red,blue] cat', width: 64}\n"
        "then: [{provider: local, model: resize, parameters: {width: 32}}]\n",
        ["   2  local/sketch  0002-", "   3  local/resize  0003-", "2 pictures, free", "1 item first"],
        ["the whole order"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "has", "lacks"), ENDS_AND_MAKERS, ids=["edits", "models", "stages"])
def test_a_plan_tells_what_varies_and_who_makes_each_item(
    home: TestHome, capsys: pytest.CaptureFixture[str], text: str, has: list[str], lacks: list[str]
) -> None:
    for name in ("p1.png", "p2.png"):
        draw(home.root / name, "blue" if "1" in name else "red")
    (file := home.root / "cats.yaml").write_text(text)
    show(plan(home.home, Settings(), file, rehearse=False, most=None), print)
    told = capsys.readouterr().out
    assert [words for words in has if words not in told] == [] == [words for words in lacks if words in told], told


def test_what_this_machine_makes_is_named_with_the_ending_that_it_will_have(home: TestHome) -> None:
    draw(home.root / "a.PNG")  # a jpeg: what it is counts, and not its name
    resize = "provider: local, model: resize"
    order = f"{{{resize}, parameters: {{image: a.PNG, width: 9}}, file: '{{photo}}.{{ext}}', then: [{{{resize}"
    head = planned(home, f"{order}, parameters: {{width: 8}}}}]}}")
    assert [item["names"] for item in head["items"]] == [["a.jpg"], ["a-2.jpg"]]
    assert [warning["code"] for warning in head["warnings"]] == ["W_NAMES"]
    dropped = planned(
        home, f"{order}, keep: false, parameters: {{width: 8}}}}, {{{resize}, parameters: {{width: 7}}}}]}}"
    )
    assert [item["names"] for item in dropped["items"]] == [["a.jpg"], [], ["a.*"]]
