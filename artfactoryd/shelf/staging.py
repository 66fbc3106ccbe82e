"""Outputs that came whole, staged in .work until they are settled: the provider may have erased them by then.

Looking at one may kill the program (a picture made to, or a defect of a decoder). So each look is counted
before it begins; what has ended the program three times is kept as it came, unopened: it is paid for.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from artfactoryd import entries
from artfactoryd.durable import Arrival, duplicate, make_folders, move, rename, tally
from artfactoryd.errors import OutputLost
from artfactoryd.failpoints import point
from artfactoryd.medium import flush_folder, storage_errors
from artfactoryd.shelf import media
from artfactoryd.shelf.decoding import pixels
from artfactoryd.shelf.media import Media
from artfactoryd.shelf.received import Fetched

MOST_LOOKS = 3
KILLED = (
    "Looking at it ended the program three times, so it is kept as it came and nothing here opens it again. Open it "
    "with care: other programs may fail on it too."
)
INLINE = "inline:sha256:"  # in place of an address: it came with the answer, and was staged before anything else
AGAIN = "-again"  # after the name of what was fetched once more
PART = ".part"  # after the name of what has not come whole
EMBEDDED = ".embedded"  # beside an output: the same with words of ours inside, as it is shelved
LOOKS = ".looks"  # beside an output while it is looked at: a byte for each look that has begun
FINAL = ".final"  # beside an output that is odd, and that no repeat brought better
MARKS = (LOOKS, FINAL)


class Staging:
    """Every output is known by the id of the product that it will be."""

    def __init__(self, work: Path) -> None:
        self._folder, self._interim = work / "outputs", work / "interim"
        self._before = f"{self._folder}/"  # a name: joining texts takes a tenth of the time, and all of it is per item

    def path(self, product: str) -> Path:
        return Path(self._before + product)

    def half(self, product: str) -> Path:
        """Where it is fetched to."""
        with storage_errors(self._folder):
            make_folders(self._folder)
        return Path(f"{self._before}{product}{PART}")

    def send_on(self, product: str, extension: str) -> Path:
        """Of a stage that is not kept: it lies, durable, where the stages after it find it."""
        folder, target = self._interim, self._interim / f"{product}.{extension}"
        with storage_errors(folder):
            make_folders(folder)
            flush_folder(folder.parent)  # whoever made it just now may not have come so far
            arriving = target.with_name(f"{target.name}{PART}")
            with self.path(product).open("rb") as file:
                duplicate(file, arriving)
            move(arriving, target)
        point("interim_laid")
        return target

    def size(self, product: str) -> int | None:
        """In bytes, of what lies here; None where nothing does. One look, quick enough for the loop."""
        try:
            return os.stat(self._before + product).st_size
        except FileNotFoundError:
            return None

    def arrived(self, product: str) -> Fetched | None:
        """The output if it came whole before, by this process or an earlier one."""
        path = self.path(product)
        try:
            with storage_errors(path):
                return Fetched(path, entries.sha256(path), path.stat().st_size, None)
        except FileNotFoundError:
            return None

    def copy(self, source: Path, product: str, sha256: str) -> Fetched:
        """Of a product on the shelf, byte for byte. Raises OutputLost when it is not the one any more that it was."""
        part = self.half(product)
        try:
            with source.open("rb") as file, storage_errors(self._folder):
                duplicate(file, part)
        except FileNotFoundError as error:
            raise OutputLost(f"{source.name}, which was to be copied, is gone.") from error
        digest = entries.sha256(part)
        if digest != sha256:
            part.unlink()
            raise OutputLost(f"{source.name}, which was to be copied, was changed.")
        return self.take(Fetched(part, digest, part.stat().st_size, None), product)

    def flush(self) -> None:
        """What was copied is there after a power cut too: its source may be gone by then."""
        with storage_errors(self._folder):
            flush_folder(self._folder)

    def take(self, fetched: Fetched, product: str) -> Fetched:
        """From now on it is not fetched again."""
        path = self.path(product)
        with storage_errors(self._folder):
            rename(fetched.path, path)
        return Fetched(path, fetched.sha256, fetched.bytes, fetched.mime_declared)

    def is_suspect(self, product: str) -> bool:
        """A look at it has begun and not ended: such are looked at one by one, so that no other is blamed."""
        return _looks(self.path(product)).exists()

    def look(self, product: str, content: bytes | None = None, *, is_unknown: bool = False) -> Media:
        """What it is by its structure, and whether it is odd: it stays staged in any case. `content`: its bytes, where
        they are in memory. `is_unknown`: so it was when it was first shelved; what must not be looked at again is
        nothing that is known."""
        if is_unknown:
            return media.unopened()
        if content is not None:
            return media.completed(media.examined(io.BytesIO(content)), self.path(product))
        with storage_errors(self.path(product)):
            return media.examine(self.path(product))

    def decode(self, product: str, seen: Media, most_megapixels: float) -> Media:
        """The same with what its pixels say. The count of looks outlives the process, not a power cut."""
        path = self.path(product)
        if seen.unopened or seen.fault or seen.mime not in media.DECODED:
            return seen
        with storage_errors(path):
            if tally(_looks(path), flushed=False) > MOST_LOOKS:
                return media.unopened(KILLED)
            try:
                return replace(seen, fault=pixels.fault(path, most_megapixels))
            finally:
                _looks(path).unlink()

    def embed(self, product: str, pieces: Iterable[bytes | memoryview]) -> Fetched:
        """A second file beside the output, flushed. What a kill left of it is made anew."""
        path, digest, size = self.path(product + EMBEDDED), hashlib.sha256(), 0
        with storage_errors(path):
            arrival = Arrival(path)
            try:
                for piece in pieces:
                    digest.update(piece)
                    arrival.write(piece)
                    size += len(piece)
                arrival.finish()
            except BaseException:
                arrival.discard()
                raise
        return Fetched(path, digest.hexdigest(), size, None)

    def replace(self, product: str, other: str) -> None:
        """By another output staged, which came better."""
        with storage_errors(self._folder):
            rename(self.path(other), self.path(product))

    def is_final(self, product: str) -> bool:
        """Whether what lies here is what is filed, odd as it may be."""
        return os.path.exists(f"{self._before}{product}{FINAL}")

    def finalize(self, product: str) -> None:
        """From now on, and after a power cut, nothing better is looked for: a redo files the same bytes, or what was
        placed would lie on the shelf in no book."""
        path = self.path(product)
        with storage_errors(path):
            tally(path.with_name(path.name + FINAL), flushed=False)
            flush_folder(self._folder)

    def discard(self, product: str) -> None:
        for ending in ("", EMBEDDED, *MARKS):
            with contextlib.suppress(OSError):
                os.unlink(f"{self._before}{product}{ending}")

    def let_go(self, path: Path) -> None:
        """Everything made of it is safe."""
        with contextlib.suppress(OSError):
            path.unlink()

    def clear_interim(self, is_spent: Callable[[str], bool]) -> None:
        """`is_spent`: by its id, whether everything made of it is safe. What nobody knows stays: it may be paid for."""
        for path in self._interim.glob("*"):
            if path.suffix == PART or is_spent(path.stem):
                self.let_go(path)

    def names(self) -> list[str]:
        """Of all that lies here."""
        return [path.name for path in self._folder.glob("*")]

    def clear(self, going_on: Collection[str]) -> None:
        """What a kill left of deliveries that will not go on, and half fetched outputs of those that will."""
        for path in self._folder.glob("*"):
            if path.name.removesuffix(LOOKS).removesuffix(FINAL) not in going_on:
                path.unlink(missing_ok=True)


def _looks(path: Path) -> Path:
    return path.with_name(path.name + LOOKS)
