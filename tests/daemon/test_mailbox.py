from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from artfactoryd.daemon import mailbox
from artfactoryd.daemon.mailbox import answer, ask, command, waiting
from artfactoryd.errors import WrongUse

ROOT = Path(__file__).parents[2]
ASKER = """
import sys
from pathlib import Path
from artfactoryd.daemon.mailbox import ask, command
print(ask(Path(sys.argv[1]), command("cancel", order="cars"), lambda: True)["text"])
"""


def test_a_command_is_asked_in_one_process_and_answered_in_another(tmp_path: Path) -> None:
    asker = subprocess.Popen([sys.executable, "-c", ASKER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 20
    while not (found := waiting(tmp_path)):
        assert time.monotonic() < end and asker.poll() is None
        time.sleep(0.01)
    (asked,) = found
    assert (asked["name"], asked["order"]) == ("cancel", "cars")
    answer(tmp_path, asked["id"], {"done": True, "text": "cars is cancelled"})
    assert asker.communicate(timeout=20)[0].strip() == "cars is cancelled"
    assert list(tmp_path.iterdir()) == []


def put(folder: Path, **fields: object) -> str:
    asked = command(**fields)  # type: ignore[arg-type]
    (folder / f"{asked['id']}.json").write_text(json.dumps(asked))
    return str(asked["id"])


def test_who_has_given_up_is_not_answered_and_nothing_of_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "PATIENCE", 0.0)
    asked = command("cancel", order="cars")
    with pytest.raises(WrongUse, match="no answer"):
        ask(tmp_path, asked, lambda: True)
    monkeypatch.undo()
    (path,) = tmp_path.iterdir()
    os.utime(path, (time.time() - 31, time.time() - 31))
    answer(tmp_path, asked["id"], {"done": True})
    assert list(tmp_path.iterdir()) == []
    young = put(tmp_path, name="cancel")  # the last moment of its patience: what came too late all the same is cleared
    answer(tmp_path, young, {"done": True})
    (path,) = tmp_path.iterdir()
    os.utime(path, (time.time() - 121, time.time() - 121))
    assert waiting(tmp_path) == [] and list(tmp_path.iterdir()) == []


def test_commands_wait_oldest_first(tmp_path: Path) -> None:
    ids = [put(tmp_path, name=name) for name in ("approve", "cancel", "resume")]
    assert [asked["id"] for asked in waiting(tmp_path)] == ids


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'"cancel"', b"{}", b'{"name": 7}', b"\xff\xfe\x00", b"[" * 100_000], ids=range(8)
)
def test_an_unreadable_command_is_dropped_and_holds_up_no_other(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "0.json").write_bytes(text)
    good = put(tmp_path, name="cancel", order="x")
    assert [asked["id"] for asked in waiting(tmp_path)] == [good]
    assert not (tmp_path / "0.json").exists()


def test_what_cannot_be_read_just_now_is_left_for_later(tmp_path: Path) -> None:
    (tmp_path / "0.json").mkdir()
    assert waiting(tmp_path) == []
    assert (tmp_path / "0.json").exists()


def test_a_command_is_known_by_the_name_of_its_file(tmp_path: Path) -> None:
    """An id that says something else would be answered elsewhere, and the command never taken away."""
    (tmp_path / "a.json").write_text(json.dumps({"id": "../../elsewhere", "name": "cancel"}))
    assert waiting(tmp_path) == [{"id": "a", "name": "cancel"}]


def test_the_answer_is_written_before_the_command_is_taken_away(tmp_path: Path) -> None:
    """Killed in between, the command is seen again, and then only answered."""
    put_id = put(tmp_path, name="cancel", order="x")
    script = (
        "import sys, os, signal, pathlib; from artfactoryd.daemon import mailbox as commands\n"
        "unlink, die = pathlib.Path.unlink, lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        "pathlib.Path.unlink = lambda path, **how: die() if path.stem == sys.argv[2] else unlink(path, **how)\n"
        "commands.answer(pathlib.Path(sys.argv[1]), sys.argv[2], {'done': True})"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path), put_id], cwd=ROOT, timeout=30)
    assert killed.returncode == -signal.SIGKILL
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{put_id}.answer.json", f"{put_id}.json"]
    assert [asked["id"] for asked in waiting(tmp_path)] == [put_id]


def test_nobody_there_means_no_answer_and_the_command_stays(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="kept"):
        ask(tmp_path, command("cancel", order="x"), lambda: False)
    assert len(waiting(tmp_path)) == 1


def test_a_daemon_that_says_nothing_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "PATIENCE", 0.1)
    with pytest.raises(WrongUse, match="no answer"):
        ask(tmp_path, command("cancel", order="x"), lambda: True)


def test_a_daemon_that_answers_and_ends_was_still_heard(tmp_path: Path) -> None:
    asked = command("cancel", order="x")

    def answers_and_ends() -> bool:
        answer(tmp_path, asked["id"], {"done": True})
        return False

    assert ask(tmp_path, asked, answers_and_ends) == {"done": True}


def test_an_answer_nobody_fetched_goes_after_a_while(tmp_path: Path) -> None:
    for name, age in (("old", 2 * mailbox.ANSWER_LASTS), ("new", 0.0)):
        answer(tmp_path, name, {"done": True})
        then = time.time() - age
        os.utime(tmp_path / f"{name}.answer.json", (then, then))
    assert waiting(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["new.answer.json"]
