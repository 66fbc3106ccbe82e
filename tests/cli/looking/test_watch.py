"""`watch`: what is at work, what waits, what is new and what is spent, in as many lines as there are."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from artfactoryd.cli.looking.watch import View, _again, bar, clipped, sections, text_of, view_of
from artfactoryd.cli.terminal import width
from artfactoryd.core.lifecycle import OrderState
from artfactoryd.reporting.orders import MoneyDocument, ProductDocument
from artfactoryd.reporting.status import NewProduct, WordsBeside
from tests.homes import TestHome
from tests.web.test_page import a_status, an_order


@pytest.mark.parametrize(
    ("made", "failed", "total", "drawn"),
    [
        (0, 0, 4, "░" * 10), (2, 0, 4, "█" * 5 + "░" * 5), (4, 0, 4, "█" * 10), (1, 3, 4, "█" * 3 + "▒" * 7),
        (1, 0, 1000, "█" + "░" * 9), (999, 0, 1000, "█" * 9 + "░"), (0, 4, 4, "▒" * 10), (0, 0, 0, "░" * 10),
        (999, 1, 1000, "█" * 9 + "▒"), (5, 0, 4, "█" * 10),
    ],
)  # fmt: skip
def test_a_bar_is_full_only_when_all_is_over_and_shows_whatever_failed(
    made: int, failed: int, total: int, drawn: str
) -> None:
    assert bar(made, failed, total, 10) == drawn


def a_view() -> View:
    busy = an_order(MoneyDocument(0.02), {"completed": 5, "failed": 1, "planned": 4}, name="cars\x1b[2J")
    held = an_order(
        MoneyDocument(),
        {"planned": 4},
        order_id="02",
        name="dear" * 20,
        status=OrderState.HELD,
        reasons=["Above $2.00."],
    )
    status = a_status(
        daemon=None, open=[busy, held], rejected=["bad.yaml", "worse.yaml"],
        why=WordsBeside({}, {"bad.yaml": "\nIt could not be taken.\n\n- It names no model.\n", "worse.yaml": "?"}),
    )  # fmt: skip
    return View(status, {busy.order_id: 200}, {held.order_id})


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (80, 12), (50, 40), (200, 100), (80, 1)])
def test_it_fits_the_terminal_and_tells_the_work_first(columns: int, rows: int) -> None:
    lines = text_of(sections(a_view(), columns), columns, rows)
    assert len(lines) <= rows and all(width(line) <= columns for line in lines)
    if rows < 24:
        return
    text = "\n".join(lines)
    assert "\x1b" not in text and 0 < text.index("At work") < text.index("Waits for you")
    told = " ".join(text.split())
    for words in ("1 failed", "3 min left", "Above $2.00.", "`approve ", "2 files in Rejected", "It names no model."):
        assert words in told
    assert "dear" * 6 not in text and "…" in text  # a name has its columns, and no more


def test_lists_that_are_too_long_end_with_a_word_of_how_much_more_there_is() -> None:
    assert clipped(["a", "b", "c"], 3) == ["a", "b", "c"]
    assert clipped(["a", "b", "c", "d"], 3) == ["a", "b", "  … 2 more lines"]


def test_a_path_is_shown_by_its_last_parts() -> None:
    path = f"Projects/{'long-' * 9}name/2026-11-30/order/0001.png"
    product = ProductDocument("01", 1, 1, path, "", 1, "image/png", 4, 3, 0, None, None, None, None, None, None)
    status = a_status(daemon=None, products=[NewProduct(product, "o", "2026-11-22T10:00:00Z")])
    wide, narrow = (text_of(sections(View(status), columns), columns, 40)[-1] for columns in (200, 50))
    assert wide.endswith(f"  {path}") and narrow.endswith("  …/2026-11-30/order/0001.png")


def test_where_no_terminal_is_it_is_told_once_and_nothing_is_written(tmp_path: Path) -> None:
    home = TestHome.make(tmp_path / "home")
    before = sorted(home.root.rglob("*"))
    done = home.call("watch")
    assert done.returncode == 0 and done.stderr == "" and "\x1b" not in done.stdout
    assert "Today" in done.stdout and "At work\n  nothing" in done.stdout
    assert sorted(home.root.rglob("*")) == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_however_it_ends_the_terminal_is_as_it_was_and_nothing_is_said(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    home = TestHome.make(tmp_path / "home")
    parent, child = pty.openpty()
    words = [sys.executable, "-m", "artfactoryd", "--home", str(home.root), "watch"]
    environ = {**home.environment(), "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    program = subprocess.Popen(words, stdin=child, stdout=child, stderr=subprocess.PIPE, env=environ)
    os.close(child)
    shown = rest = b""
    while b"Month" not in shown:
        shown += os.read(parent, 65536)
    program.send_signal(number)
    with suppress(OSError):  # so ends what nobody writes to any more
        while piece := os.read(parent, 65536):
            rest += piece
    _, errors = program.communicate()
    os.close(parent)
    assert program.returncode == code and errors == b"" and b"\x1b[?1049h" in shown
    assert b"\x1b[?1049l" in rest and b"\x1b[?25h" in rest  # the screen of before, and its cursor


def test_what_cannot_be_read_for_a_while_does_not_end_it(tmp_path: Path) -> None:
    home = TestHome.make(tmp_path / "home").home
    before = view_of(home)
    home.index_file.write_bytes(b"no database at all" * 100)
    broken = _again(home, before)
    assert broken.status == before.status and broken.trouble.startswith("This is what was: ")
    assert broken.trouble in " ".join(" ".join(text_of(sections(broken, 80), 80, 24)).split())
    home.index_file.unlink()
    assert _again(home, broken).trouble == ""
