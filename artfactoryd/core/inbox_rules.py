"""What a dropped thing is by its name, kind and size: perhaps an order, junk to pass over, or a stray, in words."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from typing import NamedTuple


class Word(NamedTuple):
    """`NAME is WHAT. ADVICE`: what it is, and what would work. `may_belong`: to an order that comes a moment later."""

    what: str
    advice: str
    may_belong: bool = True


ORDER_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
DEFAULTS_NAMES = frozenset({"defaults.yaml", "defaults.yml", "defaults.json"})
BUNDLE_NAMES = frozenset({"order.yaml", "order.yml", "order.json"})

SUBMITTED = ".submit.json"  # beside an order that `submit` put there
LEFT_ALONE = "begins with a dot: it is left alone, as what editors and sync tools write is; rename it"
PASSED_OVER = "has the name of what editors and sync tools leave behind: it is left alone; rename it"
RESOLVED, RECEIPT = "order.resolved.yaml", "receipt.yaml"
DOCUMENT = "order.yaml"
OWN_PAPERS = frozenset({DOCUMENT, RESOLVED, RECEIPT})  # of an order's folder on the shelf

WAITING_NOTE = ".waiting.txt"  # ends the name of our words about what waits in the inbox
VIM_TRIES = "|".join(str(4913 + 123 * number) for number in range(8))  # files by which it tries a folder
JUNK = re.compile(
    r"\..*|.*~|#.*#|~\$.*|~syncthing~.*"
    r"|.*\.(?:tmp|part|partial|filepart|crdownload|download|sw[opx]|bak|orig)"  # editors, browsers, copies on the way
    rf"|{VIM_TRIES}|desktop\.ini|thumbs\.db|icon\r|@eadir|__macosx|lost\+found"
    r"|.*___jb_(?:tmp|old)___|.*\.sb-[0-9a-f]{8}-\w{6}"  # an editor that is just saving
    r"|.*\.(?:error|why|waiting)\.txt",  # our own words
    re.IGNORECASE | re.DOTALL,
)
SWAP = re.compile("s[a-w][a-z]|kate-swp")
COMPANION = re.compile(r"\..+\.(?:s[a-w][a-z]|kate-swp)|\.#.+|\.~lock\..+#|~\$.+|" + VIM_TRIES, re.DOTALL)
CONFLICT = re.compile(
    r"\.sync-conflict-\d{8}-|\bconflicted copy\b|\bSFConflict\b|[_-]conflict-\d{8}"
    r"|\((?:case |selective sync )?conflict\b[^)]*\)|\[conflict(?:ed)?\]|_[a-z]{3}-\d\d-\d{6}-\d{4}_conflict\b"
    r"|in Konflikt stehende Kopie|copie en conflit|copia en conflicto|copia in conflitto",
    re.IGNORECASE,
)

LINK = Word("a link", "Links are not followed: drop the file itself.", False)
PIPE = Word("a pipe", "Write the order into a file, and drop that.", False)
SOCKET = Word("a socket", "Write the order into a file, and drop that.", False)
DEVICE = Word("a device", "Write the order into a file, and drop that.", False)
BAD_NAME = Word("something whose name is not UTF-8", "Rename it, and drop it again.", False)
SYNC_COPY = Word(
    "a conflict copy made by a program that syncs files",
    "It is never taken by itself. Compare it with the original, keep one, and drop that under a plain name.",
)
EMPTY = Word("empty", "Write the order into it, save it, and drop it again.")
HOLLOW = Word("a folder whose order is empty", EMPTY.advice)
RICH = Word("rich text", "In TextEdit choose Format > Make Plain Text, save it as NAME.yaml, and drop that.", False)
DOUBLE = Word("a text file", "A program has added .txt to the name. Take it away, and drop it again.", False)
TEXT = Word("a text file", "If it is an order, let its name end in .yaml, and drop it again.")
PICTURE = Word("a picture, a film or a sound without an order", "Drop it in a folder together with an order.yaml.")
A_TABLE = "NAME.csv"  # in advice: a table of the file's own name
TABLE = Word(
    "a table without an order",
    f"Drop it together with the order that says `cases: {A_TABLE}`: both loose, or in a folder with an order.yaml.",
)
SHEET = Word(
    "a spreadsheet's own file",
    f"Export it as CSV, and drop that together with the order that says `cases: {A_TABLE}`.",
    False,
)
SLIDES = Word("a presentation", "An order is a .yaml, .yml or .json file, or a folder with an order.yaml.", False)
ARCHIVE = Word("an archive", "Unpack it, and drop the order that is in it.", False)
OTHER = Word("not an order", "An order is a .yaml, .yml or .json file, or a folder with an order.yaml.")
CHECKOUT = Word(
    "a git checkout", "Taking its files would move them out of git. Use `artfactoryd submit FILE`, or drop a copy."
)
NESTED = Word("a folder inside a drop-box", "Drop it into the Inbox itself.")
BOXLESS = Word(
    "what a drop-box gives its orders, and lies in none",
    "Put it into a folder in the Inbox: what the orders dropped there leave out is taken from it.",
    False,
)
CLOSED = Word("a folder that cannot be opened", "Make it readable, and drop it again.")

KINDS = {"link": LINK, "pipe": PIPE, "socket": SOCKET, "device": DEVICE}
# fmt: off
SUFFIXES = {
    **dict.fromkeys([".rtf", ".rtfd", ".doc", ".docx", ".odt", ".pages"], RICH),
    **dict.fromkeys([".ppt", ".pptx", ".odp", ".key"], SLIDES),
    **dict.fromkeys([".txt", ".text", ".md"], TEXT),
    **dict.fromkeys([".csv", ".tsv"], TABLE),
    **dict.fromkeys([".xlsx", ".xls", ".xlsm", ".ods", ".numbers"], SHEET),
    **dict.fromkeys([".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"], ARCHIVE),
    **dict.fromkeys([
        ".png", ".jpg", ".jpeg", ".webp", ".gif", ".heic", ".heif", ".avif", ".tif", ".tiff", ".bmp", ".svg", ".psd",
        ".mp4", ".mov", ".webm", ".mp3", ".wav",
    ], PICTURE),
}
# fmt: on


def no_order(name: str, word: Word, apart: str = " ") -> str:
    """`NAME is not an order: it is WHAT.`, and what would work."""
    what = "" if word.what == OTHER.what else f": it is {word.what}"
    return f"{name} is not an order{what}.{apart}{word.advice}"


def is_junk(name: str) -> bool:
    """Passed over without a word: what editors, desktops and sync programs leave, and what we write ourselves."""
    return JUNK.fullmatch(name) is not None


def is_hidden_order(name: str) -> bool:
    """Passed over like all that begins with a dot, and perhaps meant as an order; no desktop's or editor's shadow."""
    is_shadow = name.startswith(("._", ".#")) or name == SUBMITTED
    return name.startswith(".") and not is_shadow and name.lower().endswith(tuple(ORDER_SUFFIXES))


def is_defaults(name: str) -> bool:
    """What a drop-box gives its orders: never an order itself."""
    return name.lower() in DEFAULTS_NAMES


def is_order_name(name: str) -> bool:
    return not is_defaults(name) and _suffix(name) in ORDER_SUFFIXES and not CONFLICT.search(name)


def is_bundle(order_names: Collection[str]) -> bool:
    """By the names of all order files in a folder: one alone, and called `order`."""
    return len(order_names) == 1 and all(name.lower() in BUNDLE_NAMES for name in order_names)


def companions(name: str, names: Collection[str]) -> list[str]:
    """Of `names`, which all are such: those that an editor lays beside a file of that name while it has it open.

    What it tries a folder by tells no file, and is of each."""
    swap = f".{name}."
    whole = {f".#{name}", f".~lock.{name}#", f"~${name}", f"~${name[2:]}"}
    return [
        other for other in names
        if other in whole or other.isdecimal() or (other.startswith(swap) and SWAP.fullmatch(other[len(swap) :]))
    ]  # fmt: skip


def is_companion(name: str) -> bool:
    """Whether an editor lays something of that name beside some file."""
    return COMPANION.fullmatch(name) is not None


def orderless(count: str, nested: bool, words: Collection[Word | None]) -> Word:
    """Of a folder without an order in it. `nested`: one lies in a folder there. `words`: of what lies in it."""
    what = f"a folder without an order ({count} in it)"
    if nested:
        return Word(what, "Its order lies in a folder inside it: drop that folder.")
    never = [word for word in words if word is not None and not word.may_belong]
    if never and len(never) == len(words):
        return Word(what, never[0].advice, False)
    return Word(what, "Put an order.yaml into it and drop it again, or drop an order that names what is in it.")


def is_order_folder(inside: Collection[str]) -> bool:
    """An order's folder as it lay on the shelf, by the names in it: papers that we write and nobody else."""
    return RESOLVED in inside and len(OWN_PAPERS.intersection(inside)) > 1


def stray_file(name: str, kind: str, size: int) -> Word | None:
    """Why this is no order; None when it may be one."""
    if kind in KINDS:
        return KINDS[kind]
    if word := _stray_name(name):
        return word
    if is_defaults(name):
        return BOXLESS
    if size == 0:
        return EMPTY
    if is_order_name(name):
        return None
    if _suffix(name) == ".txt" and is_order_name(posixpath.splitext(name)[0]):
        return DOUBLE
    word = SUFFIXES.get(_suffix(name), OTHER)
    return word._replace(advice=word.advice.replace(A_TABLE, f"{posixpath.splitext(name)[0]}.csv"))


def stray_folder(name: str, inside: Collection[str]) -> Word | None:
    """Why this is neither a bundle nor a drop-box; None when it may be one."""
    if word := _stray_name(name):
        return word
    if ".git" in inside:
        return CHECKOUT
    return RICH if _suffix(name) in (".rtfd", ".pages") else None


def _stray_name(name: str) -> Word | None:
    if any("\udc80" <= letter <= "\udcff" for letter in name):
        return BAD_NAME
    return SYNC_COPY if CONFLICT.search(name) else None


def _suffix(name: str) -> str:
    return posixpath.splitext(name)[1].lower()
