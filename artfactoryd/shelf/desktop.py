"""What a file system keeps beside a file's bytes: the id of a product, which goes along when it is renamed or moved,
and what a desktop shows of it: labels, a comment, and where it is from.

Best effort: some file systems keep no such thing, or have no room for it, and most copies are made without it. No room
here says nothing of the disk.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import plistlib
import sys
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from artfactoryd.core.names import cut
from artfactoryd.core.noticing.labels import merged

log = logging.getLogger(__name__)

PRODUCT = "user.artfactoryd.product"  # Linux knows none that does not begin with `user.`
WRITTEN = "user.artfactoryd.labels"  # what we wrote there last
MOST = 100  # bytes of an id
MOST_COMMENT, MOST_LABELS, MOST_ADDRESS = 200, 1000, 500  # bytes, of about 4,000 in all that ext4 has room for
IS_MAC = sys.platform == "darwin"
NONE_KEPT = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_keeps_none: set[int] = set()  # volumes, found out once
_labelling = threading.RLock()  # labels, and what we wrote there last, are two attributes: nobody reads in between


class Names(NamedTuple):
    labels: str
    comment: str
    origin: str


XDG = Names("user.xdg.tags", "user.xdg.comment", "user.xdg.origin.url")
FINDER = Names(
    *(f"com.apple.metadata:{key}" for key in ("_kMDItemUserTags", "kMDItemDescription", "kMDItemWhereFroms"))
)


def name_product(file: Path, product: str) -> None:
    """Its id with the file, before it is shelved."""
    try:
        _put(file, PRODUCT, product.encode())
    except OSError as error:
        log.debug("%s gets no id: %s", file.name, error.strerror)


def product_in(file: Path | str) -> str | None:
    """The id that goes along with a file; None where there is none, or something else under that name."""
    with contextlib.suppress(OSError, KeyError, ValueError):
        text = _get(file, PRODUCT)[:MOST].decode()
        return text if str(uuid.UUID(text)) == text else None
    return None


# --- what a desktop shows ---


def describe(file: Path, comment: str, origin: str, labels: Sequence[str]) -> None:
    """Before it is shelved. `comment`, `origin` (an address): empty for none."""
    names = FINDER if IS_MAC else XDG
    if comment:
        _try(file, names.comment, text_bytes(cut(comment, MOST_COMMENT)))
    if origin and len(origin.encode()) <= MOST_ADDRESS:
        _try(file, names.origin, plistlib.dumps([origin], fmt=plistlib.FMT_BINARY) if IS_MAC else origin.encode())
    if labels:
        show(file, labels)


def show(file: Path, wanted: Sequence[str]) -> bool:
    """Labels, beside those that a person put there. Whether anything was written."""
    with _labelling:
        return _show(file, wanted)


def _show(file: Path, wanted: Sequence[str]) -> bool:
    known = labels_in(file)
    now, written = known or ((), ())
    target = merged(written, now, wanted)
    while len(",".join(target).encode()) > MOST_LABELS:
        target = target[:-1]
    own = [label for label in wanted if label in target]
    is_new = target != [*now] and _try(file, (FINDER if IS_MAC else XDG).labels, label_bytes(target))
    is_noted = own != [*written] and (target == [*now] or is_new) and _try(file, WRITTEN, ",".join(own).encode())
    return is_new or is_noted


def labels_in(file: Path) -> tuple[list[str], list[str]] | None:
    """Those that it has, and those that we wrote there last; None where there is no such attribute at all."""
    with _labelling:
        return _labels_in(file)


def _labels_in(file: Path) -> tuple[list[str], list[str]] | None:
    try:
        now = labels_of(_get(file, (FINDER if IS_MAC else XDG).labels))
    except (OSError, KeyError, ValueError):
        return None
    with contextlib.suppress(OSError, KeyError, ValueError):
        return now, _listed(_get(file, WRITTEN))
    return now, []


def label_bytes(labels: Sequence[str], *, is_mac: bool = IS_MAC) -> bytes:
    """As Finder keeps them (a binary property list, each with the number of its colour), or as freedesktop does."""
    if is_mac:
        return plistlib.dumps([f"{label}\n0" for label in labels], fmt=plistlib.FMT_BINARY)
    return ",".join(labels).encode()


def labels_of(data: bytes, *, is_mac: bool = IS_MAC) -> list[str]:
    """Raises ValueError for what is none."""
    if not is_mac:
        return _listed(data)
    try:
        labels = plistlib.loads(data)
    except Exception as error:  # it raises whatever its parts raise
        raise ValueError("It is no list of tags.") from error
    return [label.partition("\n")[0] for label in labels if isinstance(label, str)] if isinstance(labels, list) else []


def text_bytes(text: str, *, is_mac: bool = IS_MAC) -> bytes:
    return plistlib.dumps(text, fmt=plistlib.FMT_BINARY) if is_mac else text.encode()


def _listed(data: bytes) -> list[str]:
    return [label for part in data.decode().split(",") if (label := part.strip())]


def _try(file: Path, name: str, value: bytes) -> bool:
    """Nothing more is tried on a volume that keeps none."""
    try:
        volume = os.stat(file).st_dev
        if volume in _keeps_none:
            return False
        _put(file, name, value)
        return True
    except OSError as error:
        if error.errno in NONE_KEPT:
            _keeps_none.add(volume)
        log.debug("%s keeps no %s: %s", file.name, name, error.strerror)
    return False


def _put(file: Path, name: str, value: bytes) -> None:
    if sys.platform == "darwin":
        import xattr  # imported late: loading it takes longer than a command may

        xattr.setxattr(os.fspath(file), name, value)
    else:
        os.setxattr(file, name, value)


def _get(file: Path | str, name: str) -> bytes:
    if sys.platform == "darwin":
        import xattr

        return bytes(xattr.getxattr(os.fspath(file), name))
    return os.getxattr(file, name)
