"""`logs`: what was logged is read back, of one order, as words or JSON, and followed across rotation."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from artfactoryd import log
from artfactoryd.cli.program import main
from artfactoryd.cli.upkeep import logs
from artfactoryd.home import Home
from artfactoryd.intake.acceptance import Intake
from artfactoryd.intake.claim import Claim
from artfactoryd.intake.outcomes import Held, Outcome
from tests.homes import TestHome, until

LOGGER = logging.getLogger("artfactoryd.execution.worker")
TWO = "provider: local\nmodel: sketch\nparameters: {prompt: 'a [red,blue] car', width: 64, height: 64}\n"


@pytest.fixture(autouse=True)
def leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for logger in (root, *(logging.getLogger(f"artfactoryd.{name}") for name in log.OWN_FILE)):
        for handler in [handler for handler in logger.handlers if logger is not root or handler not in handlers]:
            logger.removeHandler(handler)
            handler.close()
        logger.propagate = True
    root.setLevel(level)
    logging.captureWarnings(False)


def texts(home: Home, most: int = 100, *wanted: str) -> list[str]:
    found, follower = logs.tail(home, "application", most, wanted)
    follower.close()
    return [entry.document()["text"] for entry in found]


def test_an_order_leaves_one_line_for_each_thing_that_happened_to_an_attempt(home: TestHome) -> None:
    home.drop("cars.yaml", TWO)
    home.once()
    done = home.call("logs", "--which", "generation", "--json")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    order_id = home.orders()[0]["order_id"]
    for item in (1, 2):
        mine = [line for line in said if line["item"] == item]
        assert [line["text"] for line in mine] == ["wish", "ticket", "result", "settlement"]
        assert {(line["order"], line["provider"], line["model"]) for line in mine} == {(order_id, "local", "sketch")}
        assert mine[-1]["usd"] == 0.0 and len({line["attempt"] for line in mine}) == 1


def test_of_one_order_only_what_speaks_of_it_by_id_or_name(home: TestHome) -> None:
    for name in ("red", "blue"):
        home.drop(f"{name}.yaml", TWO.replace("car", name))
    home.once()
    blue = next(order["order_id"] for order in home.orders() if order["name"] == "blue")
    by_name, by_id = (
        home.call("logs", "--which", "generation", "--order", name).stdout for name in ("blue", blue[:18])
    )
    assert home.call("logs", "-n", "0", "--order", "blue").stdout == ""
    many = "".join(f'{{"text": "{number} of {blue}"}}\n' for number in range(60))
    (home.home.logs / "artfactoryd.log").write_text(many)
    assert len(home.call("logs", "--order", "blue").stdout.splitlines()) == 60  # all of one order
    assert len(home.call("logs").stdout.splitlines()) == 50
    assert by_name == by_id and by_name.count(f"order={blue}") == len(by_name.splitlines()) == 8


def test_a_line_is_shown_as_words_or_as_the_object_it_is(tmp_path: Path) -> None:
    home = Home(tmp_path)
    log.setup("info", home.logs, stderr="nothing")
    with log.fields(order="o1", item=2):
        LOGGER.warning("no room\nfor a=1")
        try:
            raise ValueError("broken")
        except ValueError:
            LOGGER.exception("it failed")
        log.generation({"kind": "failure", "attempt": "a", "cost": 3000, "estimated": True, "reason": 'a "b" \\ c=d'})
    (warned, failed), _ = logs.tail(home, "application", 9)
    document = warned.document()
    assert [document[key] for key in ("level", "logger", "order", "item")] == ["warning", "execution.worker", "o1", 2]
    assert " WARNING execution.worker order=o1 item=2 no room for a=1" in logs.printed(warned, False)
    assert failed.document()["traceback"].endswith("ValueError: broken") and failed.document()["text"] == "it failed"
    assert logs.printed(failed, False).endswith("ValueError: broken")
    (made,), _ = logs.tail(home, "generation", 9)
    found = made.document()
    assert (found["usd"], found["estimated"], found["reason"]) == (0.003, True, 'a "b" \\ c=d')
    assert json.loads(logs.printed(made, True)) == found


OLD = """\
2026-11-22T14:03:07.123+0100 WARNING foreman order=o1 item=2 no room for a=1
2026-11-22T14:03:08.000+0100 ERROR foreman order=o1 it failed
Traceback (most recent call last):
ValueError: broken
2026-11-22T14:03:09.000+0100 INFO generation attempt=a usd=0.003 estimated=True reason="a \\"b\\" c=d" failure
"""


def test_lines_that_an_earlier_release_wrote_as_words_are_read_as_before(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.logs.mkdir(parents=True)
    (home.logs / log.FILE).write_text(OLD)
    entries, _ = logs.tail(home, "application", 9)
    warned, failed, made = (entry.document() for entry in entries)
    assert [warned[key] for key in ("level", "logger", "order", "item")] == ["warning", "foreman", "o1", 2]
    assert failed["traceback"].endswith("ValueError: broken") and failed["text"] == "it failed"
    assert (made["usd"], made["estimated"], made["reason"]) == (0.003, True, 'a "b" c=d')
    assert "\n".join(logs.printed(entry, False) for entry in entries[:2]) == "\n".join(OLD.splitlines()[:4])


def test_the_last_ones_are_counted_over_rotated_files_oldest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "FILE_BYTES", 600)
    home = Home(tmp_path)
    log.setup("info", home.logs, stderr="nothing")
    for number in range(15):
        LOGGER.info("line %d", number)
    assert len(list(home.logs.glob("artfactoryd.log.*"))) == 2
    assert texts(home, 12) == [f"line {number}" for number in range(3, 15)]
    assert texts(home, 0) == []


def test_following_loses_nothing_and_repeats_nothing_across_rotation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "FILE_BYTES", 700)
    home = Home(tmp_path)
    log.setup("info", home.logs, stderr="nothing")
    LOGGER.info("before")
    found, follower = logs.tail(home, "application", 10)
    coming = logs.entries_to_come(follower)
    seen = []
    for number in range(0, 40, 2):  # a few between two looks, never two rotations
        LOGGER.info("line %d", number)
        LOGGER.info("line %d", number + 1)
        seen += [entry.document()["text"] for entry in islice(coming, 2)]
    assert len(found) == 1 and seen == [f"line {number}" for number in range(40)]


def test_a_line_written_between_the_last_look_and_the_rotation_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "artfactoryd.log"

    class Late(logs.Follower):
        def _rotated(self) -> bool:
            if not (tmp_path / "artfactoryd.log.1").exists():
                with path.open("a") as file:
                    file.write("late\n")
                path.rename(tmp_path / "artfactoryd.log.1")
                path.write_text("new\n")
            return super()._rotated()

    path.write_text("early\n")
    assert Late(path).more() == ["early", "late", "new"]


async def test_what_is_logged_while_a_claim_is_taken_has_its_orders_id(tmp_path: Path) -> None:
    class Telling(Intake):
        async def _take(self, claim: Claim) -> Outcome:
            LOGGER.info("reading")
            return Held(())

    home = Home(tmp_path)
    log.setup("info", home.logs, stderr="nothing")
    claim = Claim("0199-claim", tmp_path, "cars.yaml", None, "file", "2026-01-01T00:00:00Z")
    await Telling.__new__(Telling).take(claim)
    line = json.loads((home.logs / log.FILE).read_text())
    assert (line["order"], line["text"]) == ("0199-claim", "reading")


def test_a_line_that_is_only_half_there_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "artfactoryd.log"
    path.write_bytes(b"first\nsec")
    follower = logs.Follower(path)
    assert follower.more() == ["first"] and follower.more() == []
    with path.open("ab") as file:
        file.write(b"ond\n")
    assert follower.more() == ["second"]
    path.write_bytes(b"anew\n")  # cut by hand
    assert follower.more() == ["anew"]


def test_follow_prints_what_a_daemon_says_later(home: TestHome) -> None:
    command = home.command("logs", "-f", "--which", "generation")
    with subprocess.Popen(command, env=home.environment(), stdout=subprocess.PIPE, text=True) as process:
        home.drop("cars.yaml", TWO)
        home.once()
        assert process.stdout is not None
        until(lambda: process.stdout is not None and process.stdout.readline().endswith("settlement\n"))
        process.kill()


def test_nothing_logged_yet_is_no_error(home: TestHome) -> None:
    done = home.call("logs", "--which", "access")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_log_with_nothing_in_it_says_so(home: TestHome) -> None:
    for which, words in (
        ("access", "been asked for its page"),
        ("generation", "not sent or made"),
        ("application", "has not"),
    ):
        done = CliRunner().invoke(main, ["--home", str(home.root), "logs", "--which", which])
        assert (done.exit_code, done.stdout) == (0, "") and f"The {which} log is empty: " in done.stderr
        assert words in done.stderr
    assert CliRunner().invoke(main, ["--home", str(home.root), "logs", "-n", "0"]).output == ""


@pytest.mark.parametrize("what", ["pipe", "folder"])
@pytest.mark.parametrize("name", ["artfactoryd.log", "artfactoryd.log.1"])
def test_a_log_that_is_no_plain_file_is_named_and_never_waited_for(home: TestHome, what: str, name: str) -> None:
    path = home.home.logs / name
    path.unlink(missing_ok=True)
    path.mkdir() if what == "folder" else os.mkfifo(path)
    done = CliRunner().invoke(main, ["--home", str(home.root), "logs"])
    assert done.exit_code == 2 and f"{path} is no plain file" in done.stderr
