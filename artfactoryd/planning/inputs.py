"""The pictures an order names: found (gathering), looked at, told apart by their bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import mimetypes
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from artfactoryd import credentials, documents
from artfactoryd.core import names
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.expansion.stages import fed
from artfactoryd.core.grammar.tables import NotATable, table_text
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.file_leaves import Place as LeafPlace
from artfactoryd.core.parameters.file_refs import must_be_picture, without_query
from artfactoryd.core.parameters.secret_values import KEYCHAIN
from artfactoryd.durable import make_folders, write_file
from artfactoryd.entries import READ_ONLY, bounded, plain
from artfactoryd.errors import OutputBad, Problem, Refusal, WrongUse
from artfactoryd.errors import Path as KeyPath
from artfactoryd.medium import storage_errors
from artfactoryd.planning.accepted import document_text
from artfactoryd.planning.input_sources import MISSING, Gathering, Place, kept_name, spelled
from artfactoryd.shelf import kinds
from artfactoryd.shelf.inside.stripping import MOST_OURS, without_ours
from artfactoryd.storage.rows import ItemRow, OutputRow

if TYPE_CHECKING:
    from artfactoryd.shelf.media import Media


@dataclass(frozen=True, slots=True)
class Input:
    """One picture. `value`: as the order's items have it; `name`: its file in the order's inputs/.

    `source`: where it is from, empty for beside the order. `product`: the id of the one that it is, under any name.
    """

    value: str
    name: str
    sha256: str
    bytes: int
    mime: str
    width: int
    height: int
    source: str = ""
    product: str = ""

    def as_json(self) -> dict[str, Any]:
        optional = ("source", "product")
        return {key: each for key, each in asdict(self).items() if each or key not in optional}


def written_down(pictures: Sequence[Input]) -> dict[str, str]:
    """What stands in ledger, index and papers in place of addresses that may be signed, by the address."""
    return {
        picture.value: bare
        for picture in pictures
        if (bare := without_query(picture.value, picture.sha256)) != picture.value
    }


def unsigned_document(document: bytes, signed: Mapping[str, str]) -> str:
    """The text of an order or template without them, also where they are folded over lines or escaped."""
    if not signed:
        return document_text(document)
    return unsigned(documents.rewritten(document, lambda value: unsigned(value, signed)), signed)


def unsigned(text: str, signed: Mapping[str, str]) -> str:
    """With what is written down of each address in place of it, the longest first: one may begin another."""
    for address in sorted(signed, key=len, reverse=True):
        for written in (address, json.dumps(address, ensure_ascii=False)[1:-1], json.dumps(address)[1:-1]):
            text = text.replace(written, signed[address])
    return text


def unsigned_parts(library: dict[str, Any], signed: Mapping[str, str]) -> dict[str, Any]:
    """The same of what the order borrowed."""
    if not signed:
        return library
    for key in ("templates", "defaults"):
        texts = {name: unsigned_document(text.encode(), signed) for name, text in library.get(key, {}).items()}
        library = {**library, key: texts} if texts else library
    whole: dict[str, Any] = json.loads(unsigned(json.dumps(library, ensure_ascii=False), signed))
    return whole


class InputsMissing(Refusal):
    """Pictures are not there (yet). `names`: their paths beside the order."""

    def __init__(self, problems: Sequence[Problem], names: Sequence[str]) -> None:
        super().__init__(problems)
        self.names = tuple(names)

    @property
    def may_come(self) -> bool:
        """Nothing else is wrong: waiting may help."""
        return all(problem.code == MISSING for problem in self.problems)


@dataclass
class Search:
    """Looks for the pictures an order names. Gathers what is wrong with any of them.

    `expected`: the hash that a picture must have, by what is written. `by_agent`: no secret is looked up for it.
    """

    gathering: Gathering
    most_megapixels: float
    expected: Mapping[str, str] = field(default_factory=dict)
    by_agent: bool = False
    found: dict[str, Input] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)  # hashes, by where the secret is
    problems: list[Problem] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def look(self, plan: Plan) -> None:
        for path, value in plan.pictures:
            if value in self.found:
                continue
            looked = self._one(value, path)
            if isinstance(looked, Input):
                self.found[value] = looked
            else:
                self._note(looked, value)

    def resolve(self, plan: Plan) -> None:
        """Every secret that the order names the place of, known by its hash alone; what cannot be had is a problem."""
        for path, location in plan.secrets:
            name = next((step for step in reversed(path) if isinstance(step, str)), "")
            if self.by_agent:
                words = f"{name} names a secret, and an agent hands this in."
                self.problems.append(Problem("E_SECRET", words, "Leave it out, or let a person submit it.", path))
                continue
            try:
                secret = credentials.resolve_secret(location, name)
            except WrongUse as error:
                self.problems.append(Problem("E_SECRET", str(error), "Put it there, and drop the order again.", path))
                continue
            place = f"{location} {name}" if location == KEYCHAIN else location
            self.secrets[place] = hashlib.sha256(b"secret\0" + secret.encode()).hexdigest()

    def table(self, value: str, path: KeyPath, most_bytes: int) -> str | None:
        """The text of a table that the order names; None with the problem noted."""
        place = self.gathering.find(value, path)
        if isinstance(place, Place):
            try:
                data = _read(place.file, place.root, most_bytes, "limits.order_bytes")
                text = table_text(data)
                sha256 = hashlib.sha256(data).hexdigest()
                self.found[value] = Input(value, place.name, sha256, len(data), "text/csv", 0, 0, place.source)
                self._keep(place, value, data)
                return text
            except NotATable as error:
                place = Problem("E_INPUT", f"{value} cannot be used: {error.words}.", error.fix, path)
            except (OSError, OutputBad) as error:
                fix = "Put the table itself beside the order, as CSV in UTF-8."
                place = Problem("E_INPUT", f"{value} cannot be used: {_words(error)}.", fix, path)
        self._note(place, value)
        return None

    def _keep(self, place: Place, value: str, data: bytes) -> None:
        """With the claim, what does not lie in it."""
        kept = self.gathering.kept
        if place.source and kept is not None and place.root != kept:
            with storage_errors(kept):
                make_folders(kept)
                write_file(kept / kept_name(value), data)

    def _note(self, problem: Problem, value: str) -> None:
        self.problems.append(problem)
        if problem.code == MISSING:
            self.missing.append(value)

    def _one(self, value: str, path: KeyPath) -> Input | Problem:
        place = self.gathering.find(value, path)
        if isinstance(place, Problem):
            return place
        try:
            data = without_ours(_read(place.file, place.root, self.gathering.most_bytes))
            picture = _looked_at(place, path, self.most_megapixels)
        except PermissionError as error:
            return Problem("E_READ", f"{value} cannot be read: {error.strerror}.", "Look at its permissions.", path)
        except (OSError, OutputBad) as error:
            return Problem("E_INPUT", *_not_usable(value, place.file, error), path)
        sha256, size = hashlib.sha256(data).hexdigest(), (picture.width or 0, picture.height or 0)
        if self.expected.get(value, sha256) != sha256:
            message = f"{value} is not the picture any more that this was made from."
            return Problem("E_INPUT", message, "Put the original back, or write an order with what is there now.", path)
        self._keep(place, value, data)
        if (bare := without_query(value, sha256)) != value and self.gathering.kept is not None:
            write_file(self.gathering.kept / kept_name(bare), data)  # as it is known once the order is in the books
        suffix = "" if os.path.splitext(place.name)[1] else f".{picture.extension}"
        name = names.free(*os.path.splitext(place.name + suffix), [picture.name for picture in self.found.values()])
        product = "" if place.source else self.gathering.product_of(place.file)
        return Input(value, name, sha256, len(data), picture.mime, *size, place.source, product)


OPENED = frozenset({"png", "jpg", "webp", "gif", "avif"})
CONVERT = "In Preview: File > Export as JPEG or PNG; elsewhere: `magick IN OUT.png`. Then name that one."


def _not_usable(value: str, file: Path, error: OSError | OutputBad) -> tuple[str, str]:
    """What is wrong with it, and the way out. A picture of a kind that is not opened here is called what it is."""
    with contextlib.suppress(OSError), os.fdopen(plain(os.fspath(file)), "rb") as opened:
        kind = kinds.UNKNOWN if file.is_symlink() else kinds.kind_in(opened)
        if kind.type == "image" and kind.extension not in OPENED:
            return f"{value} is a picture of a kind that is not opened here ({kind.extension.upper()}).", CONVERT
    return f"{value} cannot be used: {_words(error)}.", "Name a picture that opens: png, jpeg, webp, gif or avif."


def _looked_at(place: Place, path: KeyPath, most_megapixels: float) -> Media:
    """As a picture; where the parameter may take something else, also as that. Raises OSError or OutputBad."""
    # imported late: Pillow takes longer to load than `artfactoryd status` may take to answer
    from artfactoryd.shelf import media

    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    try:
        return media.identify(place.file, most_megapixels)
    except OutputBad:
        if must_be_picture(name):
            raise
    mime = mimetypes.guess_type(place.name)[0] or "application/octet-stream"
    return media.Media(mime, os.path.splitext(place.name)[1].lstrip(".").lower() or "bin", 0, 0)


def _words(error: OSError | OutputBad) -> str:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words.rstrip(".")


def behind_a_link(path: Path, root: Path) -> bool:
    """Whether it, or a folder between `root` and it, is a link."""
    return any(each.is_symlink() for each in (path, *path.parents) if each != root and each.is_relative_to(root))


def _read(path: Path, root: Path, most_bytes: int, limit: str = "limits.product_bytes") -> bytes:
    """A regular file, no link, not too large."""
    if behind_a_link(path, root):
        raise OutputBad("it is a link or lies behind one, and links are not followed")
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise OutputBad("it is not a file")
    with open(os.open(path, READ_ONLY), "rb") as file:
        if os.fstat(file.fileno()).st_size > most_bytes:
            raise OutputBad(f"it is larger than {limit} allows ({most_bytes / 1_000_000:g} MB)")
        return file.read(most_bytes)


def of_item(
    generation: Mapping[str, Any], known: Sequence[Mapping[str, Any]], model: Model
) -> dict[LeafPlace, Mapping[str, Any]]:
    """By their places in its parameters, those of an order's files that one item takes."""
    by_value = {each["value"]: each for each in known}
    return {place: by_value[text] for place, text in model.places(generation) if text in by_value}


def of_product(item: ItemRow, model: Model, product: OutputRow) -> dict[LeafPlace, Mapping[str, Any]]:
    """By its places in the parameters, the product that an item of a later stage is fed with. `path`: in the home."""
    known = {key: getattr(product, key) for key in ("bytes", "mime", "width", "height", "path")}
    known["sha256"] = product.original
    name, value = PurePosixPath(product.path).name, fed(item.parent or 0)
    taking = [place for place, text in model.places(item.generation) if text == value]
    return {each: {"value": f"product:{product.id}", "name": name, **known} for each in taking}


def lying(beside: Path, kept: Path, known: Mapping[str, Any]) -> Path:
    """Where the bytes of an accepted input lie while its claim is there."""
    if known.get("source"):
        return kept / kept_name(known["value"])
    return spelled(beside, PurePosixPath(known["value"]))


def read(path: Path, known: Mapping[str, Any]) -> bytes:
    """The bytes of an accepted input again, without what was put into a product of ours: no prompt travels to the next
    provider. Raises OutputBad when they are not the ones that were accepted."""
    try:
        data = without_ours(bounded(path, known["bytes"] + MOST_OURS))
    except OSError as error:
        raise OutputBad(f"{path} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(data).hexdigest() != known["sha256"]:
        raise OutputBad(f"{path} is not the picture any more that it was when the order was taken.")
    return data
