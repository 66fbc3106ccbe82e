"""`status` says what keeps the home from working, and never the wrong cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.cli.orders import order_text, orders_text
from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.reporting.orders import ItemDocument, OrderDocument, WholeOrder
from tests.homes import TestHome
from tests.permissions import call
from tests.web.test_page import an_order

RED = "provider: local\nmodel: sketch\nparameters: {prompt: 'a red car', width: 64, height: 64, seed: 7}\n"


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    return TestHome.make(tmp_path / "home")


@pytest.mark.parametrize("how", ["a file", "shut", "gone"])
@pytest.mark.parametrize("command", ["status", "orders"])
def test_it_is_said_that_the_inbox_cannot_be_looked_into(home: TestHome, how: str, command: str) -> None:
    inbox = home.home.inbox
    if how == "shut":
        inbox.chmod(0)
    else:
        inbox.rmdir()
    if how == "a file":
        inbox.write_text("")
    done = call(home, command)
    assert done.returncode == 0 and f"Inbox   {inbox} " in done.stdout
    assert "Drop one into the Inbox" not in done.stdout
    assert str(inbox) in call(home, command, "--json").stdout
    inbox.chmod(0o700) if how == "shut" else None


@pytest.mark.parametrize("command", ["status", "once", "reindex"])
@pytest.mark.parametrize("how", ["work shut", "identity shut", "a file", "gone"])
def test_the_true_cause_is_told_when_the_work_folder_cannot_be_used(home: TestHome, command: str, how: str) -> None:
    work, identity = home.home.work, home.home.identity_file
    if how == "work shut":
        work.chmod(0)
    elif how == "identity shut":
        identity.chmod(0)
    else:
        work.rename(home.root / "away")
    if how == "a file":
        work.write_text("")
    done = call(home, command)
    told = done.stdout + done.stderr
    assert "--adopt" not in told and "is a copy" not in told and "Traceback" not in told
    assert "There is no factory folder" not in told
    assert {"a file": "is no folder", "gone": "is missing"}.get(how, "cannot be read (Permission denied)") in told
    assert done.returncode == 2 or command == "status"
    for path in (work, identity):
        if path.exists():
            path.chmod(0o700)


@pytest.mark.parametrize(
    ("order", "line"),
    [
        (an_order(items={"completed": 40}, status=OrderState.COMPLETED, folder="Projects/summer/2026-11-22/cars"),
         "01  completed   40/40  $0.051           2026-11-22  cars  Projects/summer/2026-11-22/cars"),
        (an_order(items={"completed": 5, "planned": 35}, rehearsal=True, reasons=["Paused by you."]),
         "01  processing  5/40  $0.051 of $0.12  2026-11-22  cars (rehearsal)  summer\n"
         "               Paused by you."),
        (an_order(items={}, at_most_usd=None, status=OrderState.HELD),
         "01  held        0/40  $0.051           2026-11-22  cars  summer"),
    ],
)  # fmt: skip
def test_an_order_is_listed_with_its_price_its_date_and_its_folder(order: OrderDocument, line: str) -> None:
    wide = an_order(items={"completed": 5, "planned": 35})  # the columns are as wide as the widest
    shown = orders_text([order, wide]).rpartition("\n")[0]
    assert shown == line


def test_a_reason_that_many_items_share_is_said_once_with_their_count() -> None:
    reasons = ["The content is refused."] * 25 + ["It is too large.", None]
    items = [
        ItemDocument(number, ItemState.FAILED, {"prompt": "a car"}, [], None, 1, None, reason, 1, None, None)
        for number, reason in enumerate(reasons, 1)
    ]
    text = order_text(WholeOrder(an_order(items={"failed": 27}), [], [], items))
    assert text.count("The content is refused.") == 1 and "\n  25 items: The content is refused.\n" in text
    assert text.endswith("\n    26  failed     a car  It is too large.\n    27  failed     a car")


def test_what_is_at_work_is_listed_before_what_is_over_and_never_left_out(home: TestHome) -> None:
    home.drop("held.yaml", RED.replace("a red car", "a [{}] car".format(",".join(f"c{n}" for n in range(101)))))
    home.once()
    for name in ("first", "second"):
        home.drop(f"{name}.yaml", RED.replace("red", name))
        home.once()
    assert [made["name"] for made in home.ask("orders")["orders"]] == ["held", "second", "first"]
    listed = home.ask("orders", "--most", "2")
    assert [made["name"] for made in listed["orders"]] == ["held", "second"] and listed["more"] == 1
    home.drop("again.yaml", RED.replace("red", "[first,third]"))
    words = home.call("once").stdout
    folder = home.root / "Projects" / "unsorted"
    assert f"again: completed, 2 pictures (1 reused), $0.00 in {folder}" in words
