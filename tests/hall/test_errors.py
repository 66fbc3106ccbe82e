"""Each error says whose move it is, whether it is tried again, and what it stops: the drawing names them all."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from artfactoryd import errors
from artfactoryd.errors import ArtFactoryError, StorageFull
from artfactoryd.medium import in_words, writing_to

ROW = re.compile(
    r"^    (?P<tree>[| ]*(?:\|- )?)(?P<name>\w+) +(?P<about>\S.*?) {2,}(?P<move>\w+) +(?P<again>\w+) +(?P<stops>\w+)$"
)
DRAWN = {row["name"]: row for row in map(ROW.match, str(errors.__doc__).splitlines()) if row}
BRANCHES = {"ArtFactoryError", "ProviderError"}  # never raised themselves


def tree(of: type[ArtFactoryError] = ArtFactoryError, depth: int = 1) -> Iterator[tuple[type[ArtFactoryError], int]]:
    for error in of.__subclasses__():
        if error.__module__ == errors.__name__:
            yield error, depth
            yield from tree(error, depth + 1)


ERRORS = [pair for pair in tree() if pair[0].__name__ not in BRANCHES]


def test_the_drawing_has_every_error_and_no_other() -> None:
    assert DRAWN.keys() == {error.__name__ for error, _ in ERRORS}


@pytest.mark.parametrize(("error", "depth"), ERRORS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_an_error_stands_where_it_is_drawn_and_stops_what_the_drawing_says(
    error: type[ArtFactoryError], depth: int
) -> None:
    row = DRAWN[error.__name__]
    assert len(row["tree"]) == 3 * depth and row["stops"] == error.stops
    assert row["move"] in ("you", "provider", "us")
    assert row["again"] in ("yes", "no", "never", "service", "passing", "lifted")
    assert error.title != ArtFactoryError.title


@pytest.mark.parametrize(
    ("number", "title"),
    [
        (errno.ENOSPC, "The disk is full"), (errno.EDQUOT, "Your share of the disk is used up"),
        (errno.EFBIG, "A file must not grow any larger"), (errno.EROFS, "The disk is read-only"),
        (errno.EACCES, "There is no permission to write"), (errno.EPERM, "There is no permission to write"),
        (errno.EIO, "The disk reports an error"), (errno.ENOTDIR, "This cannot be written"),
        (errno.EMFILE, "Too many files are open"),
    ],
)  # fmt: skip
def test_the_title_of_what_the_disk_refuses_fits_the_cause(number: int, title: str, tmp_path: Path) -> None:
    with pytest.raises(StorageFull) as caught, writing_to(tmp_path):
        raise OSError(number, os.strerror(number))
    assert caught.value.title == title


@pytest.mark.parametrize("file", [None, "/a/b.yaml", b"/a/b.yaml", 3])
def test_whatever_the_system_refuses_is_a_sentence_with_the_file(file: str | bytes | int | None) -> None:
    for number in [*errno.errorcode, 9999]:
        words = in_words(OSError(number, os.strerror(number), file))
        assert "Errno" not in words and words.endswith(".") and words[0] in "/ANTYM", words
        assert "/a/b.yaml" in words or not isinstance(file, str | bytes) or number in OF_NO_FILE


OF_NO_FILE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileExistsError(errno.EEXIST, "File exists", "/h/.work"), "/h/.work is there already, and .* Move it away"),
        (NotADirectoryError(errno.ENOTDIR, "x", "/h/.work/a"), "A folder is needed at /h/.work/a or above it"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many files are open at once.*ulimit -n"),
        (OSError("no plain file"), "no plain file"),
        (ValueError(), "ValueError"),
    ],
)
def test_what_the_system_refuses_is_told_with_the_way_out(error: Exception, words: str) -> None:
    assert re.match(words, in_words(error))
