from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from artfactoryd import log

LOGGER = logging.getLogger("artfactoryd.execution.worker")
FAL_KEY = "0a1b2c3d-0000-1111-2222-0123456789ab:0123456789abcdef0123456789abcdef"
SECRETS = [
    "r8_Abc123DEF456ghi",
    "Bearer abcdef-secret",
    "authorization: bearer abcdef.secret",
    f"Key {FAL_KEY}",
    FAL_KEY,
]


@pytest.fixture(autouse=True)
def leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    for name in log.OWN_FILE:
        own = logging.getLogger(f"artfactoryd.{name}")
        for handler in list(own.handlers):
            own.removeHandler(handler)
            handler.close()
        own.propagate = True
    root.setLevel(level)
    logging.captureWarnings(False)


def written(folder: Path) -> str:
    return (folder / log.FILE).read_text(encoding="utf-8")


def fail_with(words: str) -> None:
    try:
        raise ValueError(words)
    except ValueError:
        LOGGER.exception("it failed")


def test_no_key_reaches_stderr_or_the_file_by_message_argument_or_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.setup("info", tmp_path)
    LOGGER.info("sent with %s", SECRETS[0])
    fail_with(f"refused: {SECRETS[1]}")
    everything = capsys.readouterr().err + written(tmp_path)
    assert everything.count("[key]") >= 4
    assert not re.search("Abc123|abcdef-secret", everything)


def test_stderr_gets_one_plain_line_for_each_event_and_the_file_the_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.setup("info", tmp_path)
    LOGGER.info("cars was accepted:\n4 items")
    fail_with("no\nroom")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "cars was accepted: 4 items",
        "error: it failed (ValueError: no room)",
    ]
    accepted, failed = map(json.loads, written(tmp_path).splitlines())
    assert (accepted["level"], accepted["logger"]) == ("info", "execution.worker")
    assert accepted["text"] == "cars was accepted:\n4 items" and "Traceback" in failed["traceback"]


def test_ids_are_on_each_line_inside_also_from_threads_and_gone_afterwards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def make() -> None:
        with log.fields(order="o1"), log.fields(item=2):
            await asyncio.to_thread(LOGGER.info, "inside")

    log.setup("info", tmp_path)
    asyncio.run(make())
    with log.fields(order="o2"):
        pass
    LOGGER.info("outside")
    inside, outside = capsys.readouterr().err.splitlines()
    assert inside.endswith("inside (order=o1, item=2)") and outside.endswith(" outside")
    first, _ = map(json.loads, written(tmp_path).splitlines())
    assert (first["order"], first["item"], first["text"]) == ("o1", 2, "inside")


def test_setting_up_again_replaces_the_handlers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("info", tmp_path)
    log.setup("warning", tmp_path)
    LOGGER.info("too quiet")
    LOGGER.warning("once")
    assert capsys.readouterr().err.count("once") == 1
    assert written(tmp_path).count("\n") == 1


def test_without_stderr_only_the_file_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("info", tmp_path, stderr="nothing")
    LOGGER.info("for the file")
    assert capsys.readouterr().err == "" and "for the file" in written(tmp_path)


def test_chatty_libraries_speak_only_when_something_is_wrong(tmp_path: Path) -> None:
    log.setup("debug", tmp_path, stderr="nothing")
    logging.getLogger("httpx").info("HTTP Request: GET …")
    logging.getLogger("httpx").warning("odd answer")
    assert "GET" not in written(tmp_path) and "odd answer" in written(tmp_path)


def test_a_log_file_that_cannot_be_written_loses_a_line_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / log.FILE).mkdir()
    log.setup("info", tmp_path)
    LOGGER.info("still said")
    line, of_the_file = capsys.readouterr().err.splitlines()
    assert "no plain file" in of_the_file
    assert line.endswith("still said")


def test_the_file_is_rotated_and_old_files_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "FILE_BYTES", 200)
    log.setup("info", tmp_path, stderr="nothing")
    for number in range(50):
        LOGGER.info("line %d", number)
    assert len(list(tmp_path.iterdir())) == 1 + log.OLD_FILES


WISH = {"kind": "wish", "attempt": "a1", "provider": "local", "model": "sketch", "reserved": 3000}


def test_attempts_and_requests_have_files_of_their_own_at_every_level(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.setup("error", tmp_path)
    with log.fields(order="o1", item=2):
        log.generation(WISH)
        log.generation({**WISH, "kind": "failure", "verdict": "refused", "reason": "no cars", "cost": 0})
    logging.getLogger("artfactoryd.access").info("GET /healthz 200")
    wish, failure = map(json.loads, (tmp_path / "generation.log").read_text().splitlines())
    assert wish.items() >= {
        "order": "o1", "item": 2, "attempt": "a1", "provider": "local", "model": "sketch", "usd": 0.003, "text": "wish"
    }.items()  # fmt: skip
    assert failure.items() >= {"verdict": "refused", "reason": "no cars", "usd": 0.0, "text": "failure"}.items()
    assert json.loads((tmp_path / "access.log").read_text())["text"] == "GET /healthz 200"
    assert not (tmp_path / log.FILE).exists() and capsys.readouterr().err == ""


def test_each_line_is_one_object_with_its_ids_and_traceback_and_without_keys(tmp_path: Path) -> None:
    log.setup("info", tmp_path, stderr="nothing")
    with log.fields(order="o1", item=2):
        LOGGER.info('he said "authorization: bearer abcdef.secret"\nand more')
        fail_with("r8_Abc123SECRET")
        log.generation(WISH)
    said, failed = map(json.loads, written(tmp_path).splitlines())
    assert (said["level"], said["logger"], said["order"], said["item"]) == ("info", "execution.worker", "o1", 2)
    assert said["text"].startswith('he said "authorization: [key]') and said["text"].endswith("and more")
    assert "Traceback" in failed["traceback"] and "SECRET" not in failed["traceback"]
    assert json.loads((tmp_path / "generation.log").read_text())["usd"] == 0.003


def test_setting_up_again_writes_each_attempt_once(tmp_path: Path) -> None:
    log.setup("info", tmp_path, stderr="nothing")
    log.setup("info", tmp_path, stderr="nothing")
    log.generation(WISH)
    assert (tmp_path / "generation.log").read_text().count("wish") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /api/v1/status?token=abc%20DEF123 HTTP/1.1", "GET /api/v1/status?token=[key] HTTP/1.1"),
        ("bad line b'/?a=1&token=s3cret#x'", "bad line b'/?a=1&token=[key]#x'"),
        ("https://anna:pa@ss@example.org/a.jpg is no address", "https://[key]@example.org/a.jpg is no address"),
        ("https://example.org/a@b.jpg", "https://example.org/a@b.jpg"),
        ("'https://x.org/a.png?X-Sig=ab%2F&n=1' is no number", "'https://x.org/a.png?…' is no number"),
        ('{"image": "https://x.org/a.png?sig=1"}', '{"image": "https://x.org/a.png?…"}'),
    ],
)
def test_a_token_or_password_in_an_address_is_never_shown(text: str, shown: str) -> None:
    assert log.redact(text) == shown


@pytest.mark.parametrize("how", ["file", "folder", "renamed", "exchanged"])
def test_logs_that_a_person_took_away_are_written_again(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "logs"
    log.setup("info", folder, "nothing")
    LOGGER.info("one")
    log.generation({"kind": "wish"})
    if how == "folder":
        shutil.rmtree(folder)
    for name in log.FILES.values() if how != "folder" else ():
        if how == "file" and (folder / name).exists():
            (folder / name).unlink()
        elif how != "file" and (folder / name).exists():
            (folder / name).rename(folder / f"old-{name}")
            (folder / name).touch() if how == "exchanged" else None
    LOGGER.info("two")
    log.generation({"kind": "ticket"})
    LOGGER.info("three")
    assert [json.loads(line)["text"] for line in written(folder).splitlines()] == ["two", "three"]
    assert "ticket" in (folder / "generation.log").read_text()


def test_logs_of_a_home_that_was_taken_away_do_not_make_it_again(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "private" / "logs"
    log.setup("info", folder, "nothing")
    LOGGER.info("one")
    shutil.rmtree(tmp_path / "home")
    LOGGER.info("two")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("away", [False, True])
def test_lines_told_together_are_written_together_in_their_order(tmp_path: Path, away: bool) -> None:
    log.setup("info", tmp_path, "nothing")
    LOGGER.info("before")
    if away:
        (tmp_path / log.FILE).unlink()
    with log.together():
        for number in range(50):
            LOGGER.info("line %d", number)
            log.generation({"kind": "wish", "item": number})
        assert "line 49" not in written(tmp_path)
    LOGGER.info("after")
    told = [json.loads(line)["text"] for line in written(tmp_path).splitlines()]
    assert told == [*([] if away else ["before"]), *(f"line {number}" for number in range(50)), "after"]
    assert len((tmp_path / "generation.log").read_text().splitlines()) == 50


@pytest.mark.parametrize("what", ["pipe", "folder", "socket", "device"])
@pytest.mark.parametrize("when", ["at the start", "later"])
def test_what_is_no_plain_file_in_the_place_of_a_log_is_told_once_and_never_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, what: str, when: str
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    file = Path("logs") / log.FILE
    log.setup("info", Path("logs"), "nothing")
    if when == "later":
        LOGGER.info("one")
        file.unlink()
    with ExitStack() as stack:
        if what == "socket":
            stack.enter_context(socket.socket(socket.AF_UNIX)).bind(str(file))
        else:
            {"pipe": os.mkfifo, "folder": os.mkdir, "device": lambda path: path.symlink_to("/dev/full")}[what](file)
        LOGGER.info("two")
        LOGGER.info("three")
    told = capsys.readouterr().err
    assert told.count("is no plain file") == 1 and log.FILE in told and "Traceback" not in told
    file.rmdir() if what == "folder" else file.unlink()
    LOGGER.info("four")
    assert [json.loads(line)["text"] for line in written(Path("logs")).splitlines()] == ["four"]
