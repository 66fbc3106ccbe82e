from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from artfactoryd import entries
from tests.homes import TestHome


def test_the_sha256_of_a_file_is_that_of_its_bytes_and_no_link_is_followed(tmp_path: Path) -> None:
    (file := tmp_path / "car.png").write_bytes(b"a car")
    (link := tmp_path / "link.png").symlink_to(file)
    assert entries.sha256(file) == entries.digest(file) == hashlib.sha256(b"a car").hexdigest()
    for wrong in (link, tmp_path, tmp_path / "nothing.png"):
        with pytest.raises(OSError):
            entries.sha256(wrong)


# --- a file is never read whole before its bound ---

OURS = {  # what only this program writes, in places where nobody drops anything
    "claims.py", "attachments.py", "inbox.py", "home.py", "held.py", "mounts.py", "machine.py", "page.py", "server.py",
    "schema.py", "settings.py", "init.py", "__init__.py", "moves.py", "pages.py", "redaction.py", "up_to_date.py",
    "postgresql.py",
}  # fmt: skip


def test_what_a_person_may_have_put_there_is_read_within_a_bound() -> None:
    unbounded = re.compile(r"\.read_bytes\(\)|\.read_text\(|json\.load\(")
    package = Path(entries.__file__).parent
    readers = {path.name for path in package.rglob("*.py") if unbounded.search(path.read_text())}
    assert readers <= OURS, readers - OURS


def test_of_a_file_that_says_to_be_huge_only_as_much_is_read_as_shows_it(tmp_path: Path) -> None:
    path = sparse(tmp_path / "huge.yaml")
    assert len(entries.bounded(path, 1000)) == 1001
    assert len(entries.words_in(path)) == 64 * 1024 + 1


def sparse(path: Path, size: int = 6_000_000_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, size)
    return path


PLAIN = "provider: local\nmodel: sketch\nparameters: {prompt: a car, width: 64, height: 64}\n"


@pytest.mark.parametrize(
    "dropped", ["huge.yaml", "huge.json", "huge.png.json", "bundle/order.yaml", "box/huge.yaml", "bundle/.submit.json"]
)
def test_dropped_with_six_gigabytes_of_nothing_is_refused_in_words(home: TestHome, dropped: str) -> None:
    if dropped.endswith(".submit.json"):
        (home.home.inbox / "bundle").mkdir()
        (home.home.inbox / "bundle" / "order.yaml").write_text(PLAIN)
    sparse(home.home.inbox / dropped)
    done = home.call("once")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    words = " ".join(path.read_text() for path in home.home.rejected.glob("*.error.txt"))
    assert "E_TOO_LARGE" in words or "E_SUBMISSION" in words


def test_beside_an_order_and_on_the_shelf_six_gigabytes_of_nothing_stop_no_command(home: TestHome) -> None:
    home.drop("cars.yaml", PLAIN)
    assert home.once() == 0
    (card,) = home.home.projects.rglob("*.png.json")
    for path in (
        card,
        card.with_name("other.png.json"),
        card.parents[1] / "receipt.yaml",
        home.home.commands / "x.json",
    ):
        sparse(path)
    file = sparse(home.root / "huge.yaml")
    for words in (["plan", str(file)], ["submit", str(file)], ["explain", str(card)], ["reindex"], ["doctor"]):
        done = home.call(*words)
        assert done.returncode in (0, 1, 2, 3) and "Traceback" not in done.stderr, (words, done.stderr)
    assert home.call("once").returncode in (0, 1)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_a_bounded_read_neither_waits_nor_ends_never(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "odd")
    with pytest.raises(OSError, match=r"plain file|directory"):
        entries.bounded(tmp_path / "odd", 100)


def test_folders_deeper_in_each_other_than_any_program_bears_are_an_error_of_the_disk(tmp_path: Path) -> None:
    deep = tmp_path / "/".join("d" * (entries.MOST_DEEP + 1))
    deep.mkdir(parents=True)
    for look in (entries.check_readable, entries.files_below):
        with pytest.raises(OSError, match="deep in each other"):
            look(tmp_path)
    deep.rmdir()
    entries.check_readable(tmp_path)
