"""What goes to another provider has nothing of ours inside, also when another program has changed the file."""

from __future__ import annotations

import pytest

from artfactoryd.shelf.inside.stripping import without_ours
from tests.shelf.inside.carriers import CARRIERS, TEXT, carrying, picture, pixels

OURS = f"{TEXT}, Version: artfactoryd 1"


@pytest.mark.parametrize("name", CARRIERS)
def test_what_came_is_had_again_and_of_what_was_changed_since_our_words_go(name: str) -> None:
    extension, came = CARRIERS[name]()
    inside = carrying(extension, came, OURS)
    assert without_ours(inside) == without_ours(came) == came
    changed = inside.replace(b'artfactoryd:OriginalSHA256="', b'artfactoryd:OriginalSHA256="f')
    assert changed != inside
    bare = without_ours(_of_one_length(changed))
    for secret in ("car & a", "car &amp; a"):
        assert secret.encode() not in bare and secret.encode("utf-16-be") not in bare
    assert b"artfactoryd" not in bare and pixels(bare) == pixels(came)


def _of_one_length(changed: bytes) -> bytes:
    """One letter more, one less: the lengths around it stay true."""
    return changed.replace(b'Model="fal/a/b"', b'Model="fal/a/"', 1)


def test_what_is_no_picture_of_ours_is_not_touched() -> None:
    for data in (b"", b"words about artfactoryd: none", picture("GIF") + b"artfactoryd:Undo", picture("PNG")):
        assert without_ours(data) == data
