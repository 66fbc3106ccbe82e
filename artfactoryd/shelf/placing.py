"""The shelf: products and their sidecars in dated order folders, durable before anyone relies on them.

What is promised, killed at any line: nothing that exists is overwritten, a name is never seen
with half a file behind it, and doing the same again ends with the same names and bytes. A
product has its sidecar before it; a sidecar without product is a delivery not finished.
Nothing here decides: names, ids and documents come from the caller. One process writes.
"""

from __future__ import annotations

import ctypes
import errno
import io
import itertools
import json
import os
import re
import secrets
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from artfactoryd import failpoints
from artfactoryd.durable import flush, flush_folder, storage_errors
from artfactoryd.errors import StorageFull

LONGEST = 255  # bytes of a file name on every file system we meet
CARD = ".json"  # what a sidecar's name adds to its product's
TEMPORARY = re.compile(r"\..+\.[0-9a-f-]{8,36}\.tmp")
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL}

Sidecar = Callable[[str], Mapping[str, Any]]
Name = str | Callable[[int], str]  # called with 1, 2, ...: versions, of which the first free one is taken
Content = bytes | Callable[[], bytes]  # of a file; large ones are read one by one


# -- products ----------------------------------------------------------------------------------


def place(source: Path, folder: Path, name: Name, sidecar: Sidecar) -> str:
    """Put a complete, flushed file on the shelf; gives the name it got (`name`, or with -2, -3, ...).

    A name may lie in folders below `folder`. `sidecar(chosen)` is the sidecar document for that name;
    its `id` is the product's, and says on a second call what of the first is already there. The source
    stays. It may become a hard link to the product, so it is never written to again, only replaced or
    discarded. Raises StorageFull, and FileNotFoundError when the source is gone.
    """
    os.stat(source)
    with _writing_to(folder):
        chosen = next(each for each in _candidates(name) if _place(source, folder / each, sidecar))
        flush_folder((folder / chosen).parent)
        failpoints.point("folder_synced")
        return chosen


def _place(source: Path, product: Path, sidecar: Sidecar) -> bool:
    _make_folders(product.parent)
    return _settle(source, product, sidecar(product.name))


def _candidates(name: Name) -> Iterator[str]:
    if callable(name) and name(1) != name(2):
        yield from map(name, itertools.count(1))
    folders, _, last = (name(1) if callable(name) else name).rpartition("/")
    above = f"{folders}/" if folders else ""
    yield from (above + each for each in _numbered(*os.path.splitext(last), spare=len(CARD)))


def _settle(source: Path, product: Path, document: Mapping[str, Any]) -> bool:
    """Both files under this name, or False when the name belongs to something else."""
    card = card_of(product)
    owner = _owner(card)
    if owner not in (None, document["id"]):
        return False
    if os.path.lexists(product):
        if not _same_bytes(source, product):
            return False
        return owner is not None or _write_new(card, _as_json(document))
    if not _place_card(card, document, owner):
        return False
    failpoints.point("sidecar_placed")
    if not _adopt(source, product):
        card.unlink()
        return False
    failpoints.point("product_linked")
    return True


def _place_card(card: Path, document: Mapping[str, Any], owner: object) -> bool:
    data = _as_json(document)
    if owner is None:
        return _write_new(card, data)
    if card.read_bytes() != data:  # left by a killed delivery of this same product
        _replace(card, data)
    return True


def _owner(card: Path) -> object:
    """The product id in a sidecar, None if there is none; something nobody has, if it is no sidecar."""
    try:
        return read_sidecar(card)["id"]
    except FileNotFoundError:
        return None
    except (ValueError, IsADirectoryError):  # any other failure would make every name look taken
        return card


def _adopt(source: Path, product: Path) -> bool:
    """The source's bytes under the product's name, without overwriting: linked if possible, else copied."""
    if os.stat(source).st_nlink == 1:  # two products must never share one file
        try:
            os.link(source, product)
            return True
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
    with source.open("rb") as content:
        return _write_new(product, content)


def _same_bytes(one: Path, other: Path) -> bool:
    if not other.is_file() or one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while block := left.read(1 << 20):
            if block != right.read(1 << 20):
                return False
    return True


def discard(path: Path) -> None:
    """Remove a file that is needed no more, or what `orphans` named; gone already is well."""
    with _writing_to(path.parent):
        if TEMPORARY.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# -- order folders -----------------------------------------------------------------------------


def existing_project(projects: Path, name: str) -> str:
    """`Cars` and `cars`, `é` and `e` with an accent, are one folder on a Mac's disk, so they are one project here."""
    if projects.is_dir():
        for entry in sorted(each.name for each in projects.iterdir()):
            if _folded(entry) == _folded(name):
                return entry
    return name


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def open_order_folder(
    projects: Path,
    project: str,
    date: str,
    name: str,
    order_id: str,
    files: Mapping[str, Content],
    project_yaml: Callable[[], bytes],
) -> Path:
    """The order's folder, complete with `files` from the moment it is seen: made, or found again.

    Found by its receipt.yaml, whose first 4096 bytes must hold `order_id: ID` on a line of its
    own. The names in `files` may lie one folder down (`inputs/a.png`). A taken name gets -2, -3, ...
    """
    with _writing_to(projects):
        day = projects / project / date
        _make_folders(day)
        _describe_project(projects / project / "project.yaml", project_yaml)
        folder = _folder_of(day, order_id)
        if folder is None:
            built = _build(day / _temporary_name(name, order_id), files)
            failpoints.point("order_folder_built")
            folder = _put_in_place(built, name)
        flush_folder(day)
        return folder


def _describe_project(path: Path, project_yaml: Callable[[], bytes]) -> None:
    if not os.path.lexists(path):
        _write_new(path, project_yaml())
        flush_folder(path.parent)


def _folder_of(day: Path, order_id: str) -> Path | None:
    """By its receipt, not its name: an earlier `cars` may be gone, and ours still be `cars-2`."""
    ours = re.compile(rb"^order_id: *['\"]?" + re.escape(order_id.encode()) + rb"['\"]? *$", re.MULTILINE)
    for receipt in sorted(day.glob("[!.]*/receipt.yaml")):
        with receipt.open("rb") as file:
            if ours.search(file.read(4096)):
                return receipt.parent
    return None


def _build(folder: Path, files: Mapping[str, Content]) -> Path:
    if folder.exists():  # left by a kill; nobody has seen it
        shutil.rmtree(folder)
    folder.mkdir()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        _create(path, io.BytesIO(data if isinstance(data, bytes) else data()))
    for made in {(folder / name).parent for name in files} | {folder}:
        flush_folder(made)
    return folder


def _put_in_place(built: Path, name: str) -> Path:
    targets = (built.with_name(each) for each in _numbered(name, "", spare=0))
    target = next(each for each in targets if not os.path.lexists(each))
    built.rename(target)  # replaces nothing but an empty folder that a person makes in this very instant
    return target


def write_receipt(folder: Path, data: bytes) -> None:
    """The one file of an order that is brought up to date; readers see the old or the new, whole."""
    with _writing_to(folder):
        _make_folders(folder)
        _replace(folder / "receipt.yaml", data)
        flush_folder(folder)


# -- reading back ------------------------------------------------------------------------------


def card_of(product: Path) -> Path:
    return product.with_name(product.name + CARD)


def read_sidecar(path: Path) -> dict[str, Any]:
    """Raises ValueError for what is no sidecar."""
    document = json.loads(path.read_bytes())
    if not (isinstance(document, dict) and isinstance(document.get("id"), str) and "file" in document):
        raise ValueError(f"{path.name} is no sidecar: it has no id and file")
    return document


def walk(projects: Path) -> Iterator[tuple[Path, Path]]:
    """Every product with its sidecar, in the order of their paths."""
    for folder, names in _folders(projects):
        for name in sorted(names & {card.removesuffix(CARD) for card in names if card.endswith(CARD)}):
            if not name.startswith("."):  # such as the ._ files of a Mac on a foreign disk
                yield folder / name, folder / (name + CARD)


def orphans(projects: Path) -> Iterator[Path]:
    """What killed deliveries left: temporary files and folders, and sidecars without a product.

    A sidecar among them may belong to a delivery that will go on; the caller knows by its id.
    """
    for folder, names in _folders(projects):
        for name in sorted(names):
            alone = name.endswith(CARD) and name.removesuffix(CARD) not in names
            if TEMPORARY.fullmatch(name) or (alone and isinstance(_owner(folder / name), str)):
                yield folder / name


def _folders(projects: Path) -> Iterator[tuple[Path, set[str]]]:
    """Every folder that may hold products with the names in it; an order's inputs are no products."""
    for root, folders, files in os.walk(projects):
        temporary = {name for name in folders if TEMPORARY.fullmatch(name)}
        skipped = {"inputs"} if "receipt.yaml" in files else set()
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in skipped)
        yield Path(root), {*files, *temporary}


# -- durable files -----------------------------------------------------------------------------


def _write_new(target: Path, content: BinaryIO | bytes) -> bool:
    """A new file, whole or not at all; False when the name is taken."""
    if os.path.lexists(target):
        return False
    temporary = target.with_name(_temporary_name(target.name, secrets.token_hex(4)))
    _create(temporary, io.BytesIO(content) if isinstance(content, bytes) else content)
    try:
        _rename_to_free(temporary, target)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _replace(target: Path, data: bytes) -> None:
    temporary = target.with_name(_temporary_name(target.name, secrets.token_hex(4)))
    _create(temporary, io.BytesIO(data))
    temporary.replace(target)


def _create(path: Path, content: BinaryIO) -> None:
    """Write and flush a file that nobody looks at yet; a failure leaves nothing."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        try:
            shutil.copyfileobj(content, file, 1 << 20)
            file.flush()
            flush(file.fileno())
        except BaseException:
            path.unlink()
            raise


def _rename_to_free(temporary: Path, target: Path) -> None:
    """Raises FileExistsError rather than overwrite."""
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _rename_exclusively(temporary, target)


def _rename_exclusively(temporary: Path, target: Path) -> None:
    """For file systems without hard links (exFAT, some servers): the kernel's own call, which Python lacks."""
    libc = ctypes.CDLL(None, use_errno=True)
    old, new = os.fsencode(temporary), os.fsencode(target)
    if sys.platform == "darwin":
        failed = libc.renamex_np(old, new, ctypes.c_uint(4))  # RENAME_EXCL
    else:
        failed = libc.renameat2(-100, old, -100, new, ctypes.c_uint(1))  # AT_FDCWD, RENAME_NOREPLACE
    if failed and ctypes.get_errno() in NO_LINKS and not os.path.lexists(target):
        temporary.rename(target)  # only this process writes here
    elif failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


def _make_folders(folder: Path) -> None:
    if folder.is_dir():
        return
    if folder.is_symlink():
        raise FileNotFoundError(errno.ENOENT, "it is a link to a place that is not there", str(folder))
    _make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    flush_folder(folder.parent)


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Whatever the place says, a person reads a sentence: StorageFull, or StorageFaulty after a failed flush."""
    try:
        with storage_errors(folder):
            yield
    except OSError as error:
        raise StorageFull(f"{error.filename or folder} cannot be written: {error.strerror or error}.") from error


# -- names -------------------------------------------------------------------------------------


def _numbered(stem: str, extension: str, spare: int) -> Iterator[str]:
    """The name, then -2, -3, ..., cut so that `spare` more bytes still make a file name."""
    for number in itertools.count(1):
        ending = (f"-{number}" if number > 1 else "") + extension
        yield _cut(stem, LONGEST - spare - len(os.fsencode(ending))) + ending


def _temporary_name(name: str, mark: str) -> str:
    return f".{_cut(name, LONGEST - len(mark) - 6)}.{mark}.tmp"


def _cut(text: str, most: int) -> str:
    """At most that many bytes, never within a letter."""
    return os.fsencode(text)[:most].decode("utf-8", "ignore")


def _as_json(document: Mapping[str, Any]) -> bytes:
    """UTF-8; a stray surrogate (a file name that is no UTF-8) becomes its JSON escape, and so comes back."""
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")
