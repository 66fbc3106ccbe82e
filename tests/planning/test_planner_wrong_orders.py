"""Wrong orders and what a person reads of them: tests/data/wrong_orders.md, for a reviewer of five minutes.

`python -m tests.planning.test_planner_wrong_orders` writes the answers anew; read what has changed.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from artfactoryd.cli.plan import text
from artfactoryd.home import Home
from artfactoryd.planning.preview import plan
from artfactoryd.settings import Settings
from tests.homes import TestHome
from tests.pictures import draw

PAGES = Path(__file__).parents[1] / "data" / "wrong_orders.md"
CASE = re.compile(
    r"^## (?P<title>[^\n]+)\n\n(?:Beside it: (?P<beside>[^\n]+)\n\n)?"
    r"```\w+ (?P<file>\S+)(?P<marks>(?: \S+)*)\n(?P<order>.*?)```\n\n```text\n(?P<answer>.*?)```\n",
    re.M | re.S,
)
UTF_32 = "utf-32"  # how it is written
ESCAPED = "escaped"  # with \N{...} for what nobody sees


@dataclass(frozen=True)
class Case:
    title: str
    beside: tuple[str, ...]
    file: str
    marks: tuple[str, ...]
    order: str
    answer: str

    @property
    def data(self) -> bytes:
        text = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), self.order)
        return (text if ESCAPED in self.marks else self.order).encode(UTF_32 if UTF_32 in self.marks else "utf-8")


def read_cases(pages: str) -> list[Case]:
    return [
        Case(found["title"], tuple(filter(None, (found["beside"] or "").split(", "))), found["file"],
             tuple(found["marks"].split()), found["order"], found["answer"])
        for found in CASE.finditer(pages)
    ]  # fmt: skip


CASES = read_cases(PAGES.read_text(encoding="utf-8"))


def answered(case: Case, home: Home, desk: Path) -> str:
    """What `plan` says of it, from the folder it lies in."""
    file = desk / case.file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(case.data)
    for name in case.beside:
        draw(file.parent / name) if name.endswith((".png", ".jpg", ".JPG")) else (file.parent / name).write_bytes(HEIC)
    for name, content in LIBRARY.items():
        (home.library / name).parent.mkdir(parents=True, exist_ok=True)
        (home.library / name).write_text(content)
    with patch("artfactoryd.planning.preview.notes", return_value=[]):  # which goes by the day of the reading
        planned = plan(home, Settings(), file, rehearse=False, most=0)
    words = re.sub(r"/\d{4}-\d\d-\d\d/", "/YEAR-MM-DD/", "\n".join(text(planned)))
    lines = words.replace(f"{desk}/", "").replace(str(home.root), "~/ArtFactory")
    return "".join(f"{line.rstrip()}\n" for line in lines.strip().split("\n"))


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99)
LIBRARY = {"lookups/colour.txt": "red\ngreen\nblue\n", "lookups/wildcards/hair.txt": "red\nblond\n"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: re.sub(r"\W+", "_", case.title))
def test_a_wrong_order_is_answered_as_the_pages_say(case: Case, tmp_path: Path) -> None:
    home = TestHome.make(tmp_path / "home").home
    assert answered(case, home, tmp_path / "desk") == case.answer


def test_there_are_thirty_and_more() -> None:
    assert len(CASES) >= 30 and len({case.title for case in CASES}) == len(CASES)


def write_anew() -> None:
    pages = PAGES.read_text(encoding="utf-8")
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            home = TestHome.make(Path(folder) / "home").home
            new = answered(case, home, Path(folder) / "desk")
        head, title, rest = pages.partition(f"## {case.title}\n")
        before, fence, after = rest.partition("```text\n")
        pages = head + title + before + fence + new + "```\n" + after.partition("```\n")[2]
    PAGES.write_text(pages, encoding="utf-8")


if __name__ == "__main__":
    write_anew()
