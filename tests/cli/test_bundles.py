"""What `submit` makes of what it is given: orders, folders of one, and what goes with them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from artfactoryd.cli.bundles import Desk, told_apart
from artfactoryd.errors import WrongUse
from artfactoryd.settings import Settings
from tests.homes import TestHome
from tests.pictures import draw

TABLE = "provider: local\nmodel: resize\ncases: cars.csv\nparameters: {width: 32}\n"
LIST = "provider: local\nmodel: resize\nparameters: {width: 32, image: [a.png, 'photos/*.png']}\n"
GREEN = "provider: local\nmodel: sketch\nparameters: {prompt: a green car}\n"
FILES: dict[str, str] = {
    "holiday/order.yaml": LIST, "holiday/a.png": "PNG", "holiday/photos/b.png": "PNG", "holiday/c.png": "PNG",
    "cars.csv": "image\na.png\n", "table.yaml": TABLE, "green.yaml": GREEN, "a.png": "PNG", "note.txt": "hello",
    "empty.yaml": "", "old.rtf": "{\\rtf1", "box/one.yaml": GREEN, "box/defaults.yaml": "budget: 1\n",
    "bundle-with-defaults/order.yaml": GREEN, "bundle-with-defaults/defaults.yaml": "budget: 1\n",
    "shelf/order.yaml": GREEN, "shelf/order.resolved.yaml": GREEN, "shelf/receipt.yaml": "order_id: x\n",
    "other/a.png": "PNG", "elsewhere/order.yaml": LIST, "half.yaml": LIST.replace("photos/*", "gone"),
}  # fmt: skip
# what is given, what lies in the bundle of each, and what is used by none
TAKEN: list[tuple[str, list[str], str]] = [
    ("holiday", ["a.png order.yaml photos/b.png"], ""),
    ("holiday/order.yaml", ["a.png order.yaml photos/b.png"], ""),
    ("table.yaml", ["a.png cars.csv order.yaml"], ""),
    ("table.yaml cars.csv a.png note.txt", ["a.png cars.csv order.yaml"], "note.txt"),
    ("other/a.png table.yaml green.yaml", ["a.png cars.csv order.yaml", "order.yaml"], ""),
    ("holiday/order.yaml holiday/photos/b.png holiday/c.png", ["a.png order.yaml photos/b.png"], "c.png"),
    ("half.yaml holiday/photos/b.png", ["a.png b.png order.yaml"], ""),  # until it is whole nobody knows what it uses
    ("elsewhere/order.yaml holiday/photos/b.png other/a.png", ["a.png order.yaml photos/b.png"], ""),
    ("half.yaml", ["a.png order.yaml"], ""),  # the other is missing, and only that is told
]
REFUSED: list[tuple[str, str]] = [
    ("cars.csv", "cars.csv is not an order: it is a table without an order. Drop it together with the order that says"
                 " `cases: cars.csv`"),
    ("a.png note.txt", "a.png is not an order: it is a picture.*\n.*note.txt is not an order: it is a text file. If"),
    ("empty.yaml", "it is empty. Write the order into it"),
    ("green.yaml old.rtf", "it is rich text. In TextEdit"),
    ("shelf", "shelf is a folder. Give the order that is in it: .*shelf/order.yaml"),
    ("box", "box is a folder. Give the order that is in it: .*box/one.yaml"),
    ("bundle-with-defaults", "is a folder. Give the order"),
    ("box/defaults.yaml", "it is what orders in box may leave out"),
    ("table.yaml a.png other/a.png", "Two of these files have one name"),
    ("green.yaml gone.png", "gone.png is not a file. Name an order"),
    ("gren.yml", "gren.yml is not a file. Did you mean green.yaml?"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        (tmp_path / "w" / name).parent.mkdir(parents=True, exist_ok=True)
        if content == "PNG":
            draw(tmp_path / "w" / name)
        else:
            (tmp_path / "w" / name).write_text(content)
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path


def test_what_is_submitted_goes_together_as_in_the_inbox(folder: Path) -> None:
    home = TestHome.make(folder / "home").home
    desk = Desk(home, Settings(), {})
    for words, bundles, unused in TAKEN:
        given = told_apart([Path(word) for word in words.split()])
        placed = [desk.place(file, False, given.beside) for _, file in given.orders]
        lying = [" ".join(sorted(_files(one.path))) for one in placed]
        assert lying == bundles, words
        used = {name for one in placed for name in one.along}
        assert " ".join(sorted({*given.beside} - used)) == unused, words


def _files(bundle: Path) -> list[str]:
    files = (Path(at, name) for at, _, names in os.walk(bundle) for name in names if not name.startswith("."))
    return [str(path.relative_to(bundle)) for path in files]


@pytest.mark.usefixtures("folder")
def test_what_is_no_order_is_answered_as_the_inbox_would() -> None:
    for words, answer in REFUSED:
        with pytest.raises(WrongUse) as error:
            told_apart([Path(word) for word in words.split()])
        assert re.search(answer, str(error.value), re.DOTALL), (words, str(error.value))


def test_a_folder_is_planned_and_rehearsed_as_one_order(folder: Path) -> None:
    home = TestHome.make(folder / "home")
    planned = home.ask("plan", "holiday")["orders"][0]
    assert (planned["name"], planned["total_items"]) == ("holiday", 2)
    answer = home.ask("submit", "holiday", "note.txt", "--rehearse", "--wait")
    assert [order["name"] for order in answer["orders"]] == ["holiday"] and answer["unused"] == ["note.txt"]
    assert answer["orders"][0]["rehearsal"] and len(home.products()) == 2
    assert home.call("plan", "cars.csv").returncode == 2
