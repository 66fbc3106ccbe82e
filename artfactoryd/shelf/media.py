"""What a file is, judged by its content alone.

`identify` is for a picture that is to be worked on: all of it is decoded, and what is no picture is refused.
`examine` is for what came and was paid for: it is walked through, not decoded; nothing is refused, and what is odd
about it is said. Its pixels are made later (`pixels`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from artfactoryd.errors import OutputBad
from artfactoryd.failpoints import point
from artfactoryd.shelf import kinds, look
from artfactoryd.shelf.look import probe

if TYPE_CHECKING:
    from artfactoryd.shelf.decoding.pillow import Image

KINDS = {  # Pillow's format: mime type and extension; an MPO is a JPEG with more pictures in its tail
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "MPO": ("image/jpeg", "jpg"),
    "WEBP": ("image/webp", "webp"),
    "GIF": ("image/gif", "gif"),
    "AVIF": ("image/avif", "avif"),
}
GIF_END, GIF_PADDING = b"\x00;", 16  # some writers add a few bytes
DECODED = frozenset(mime for mime, _ in KINDS.values())
SIZED = ("TIFF", "BMP", "PSD", "ICO", "JPEG2000", "DDS", "QOI")  # whose size Pillow tells without decoding
NO_PICTURE = "What came is no picture"
ONE_COLOUR = 3  # steps of 256 that a lossy format makes of one colour
ORIENTATION, UPRIGHT, SIDEWAYS = 0x0112, 1, range(5, 9)  # in EXIF
TURNED = ("JPEG", "WEBP", "AVIF")  # as cameras write them; to know it of a PNG, Pillow decodes it


@dataclass(frozen=True, slots=True)
class Media:
    """`extension` without its dot; width and height in pixels, of a picture as stored; `duration` in seconds, and
    `codec`, of films and sounds: of what can be seen, then of what can be heard.

    `fault`: in words, why it may not be what was meant; a repeat may bring it whole. `unopened`: nobody may look at it.
    """

    mime: str
    extension: str
    width: int | None = None
    height: int | None = None
    kind: kinds.Type = "image"
    duration: float | None = None
    fault: str = ""
    unopened: bool = False
    codec: str | None = None

    def lasting(self) -> dict[str, float | str | None]:
        """As a sidecar tells it."""
        return {"duration": self.duration, **({"codec": self.codec} if self.codec else {})}


class TooManyPixels(OutputBad):
    """Whole as far as can be seen, and larger than what is decoded here."""


def identify(path: Path, most_megapixels: float, seen: Callable[[Image.Image], None] = lambda picture: None) -> Media:
    """Decodes every frame, and shows the first to `seen`. Raises OutputBad for what is no picture, is cut short, or is
    larger than the bound.

    A file that cannot be read at all stays an OSError: that says nothing about the picture.
    """
    with path.open("rb") as file, _condemned():
        point("decoding")
        picture = _opened(file)
        _decode(picture, int(most_megapixels * 1_000_000), seen)
        _check_end(file, str(picture.format))
        mime, extension = KINDS[str(picture.format)]
        return Media(mime, extension, *picture.size)


def examine(path: Path) -> Media:
    """Of whatever came, by its structure. A file that cannot be read at all stays an OSError."""
    with path.open("rb") as file:
        return completed(examined(file), path)


def completed(seen: Media, path: Path) -> Media:
    """With what another program knows of it, where nothing here does."""
    if seen.extension not in probe.DEMUXERS:
        return seen
    told = probe.told(path, seen.extension)
    return replace(
        seen, width=told.width, height=told.height, duration=told.duration, codec=", ".join(told.codecs) or None
    )


def examined(file: BinaryIO) -> Media:
    """The same of what is open, or in memory."""
    kind = kinds.kind_in(file)
    seen = look.walked(file, kind.extension)
    if seen.shows is False:
        kind = kinds.HEARD.get(kind.extension, kind)
    width, height = seen.width, seen.height
    if kind.type == "image" and kind.extension not in look.WALKERS:
        width, height = _size(file, SIZED)
    fault = "A web page came." if kind is kinds.WEB_PAGE else seen.fault
    return Media(
        kind.mime, kind.extension, width, height, kind.type, seen.duration, fault, codec=", ".join(seen.codecs) or None
    )


def unopened(fault: str = "") -> Media:
    """Of what is not to be looked at: nothing is known of it."""
    return Media(kinds.UNKNOWN.mime, kinds.UNKNOWN.extension, kind=kinds.UNKNOWN.type, fault=fault, unopened=True)


def is_one_colour(path: Path) -> bool:
    """As content filters leave a picture: black, or grey. False of what cannot be looked at."""
    from artfactoryd.shelf.decoding.pillow import ImageStat

    try:
        with path.open("rb") as file:
            picture = _opened(file)
            picture.draft("RGB", (64, 64))
            return all(high - low <= ONE_COLOUR for low, high in ImageStat.Stat(picture.convert("RGB")).extrema)
    except Exception:  # decoders meet damaged bytes with errors of every type
        return False


def is_turned(path: Path) -> bool:
    """Whether its EXIF says that its height is shown as its width. False of what cannot be looked at."""
    from artfactoryd.shelf.decoding.pillow import Image

    try:
        with Image.open(path, formats=TURNED) as picture:
            return picture.getexif().get(ORIENTATION, UPRIGHT) in SIDEWAYS
    except Exception:  # decoders meet bytes that are not theirs with errors of every type
        return False


def _size(file: BinaryIO, formats: tuple[str, ...]) -> tuple[int | None, int | None]:
    from artfactoryd.shelf.decoding.pillow import Image

    Image.init()
    try:
        file.seek(0)
        with Image.open(file, formats=[name for name in formats if name in Image.OPEN and name != "MPO"]) as picture:
            return picture.size
    except Exception:  # decoders meet bytes that are not theirs with errors of every type
        return None, None


def _opened(file: BinaryIO) -> Image.Image:
    from artfactoryd.shelf.decoding.pillow import Image, UnidentifiedImageError

    try:
        return Image.open(file, formats=[name for name in KINDS if name != "MPO"])
    except UnidentifiedImageError:
        file.seek(0)
        raise OutputBad(f"{NO_PICTURE}: {_beginning(file.read(200))}.") from None


def _decode(picture: Image.Image, most_pixels: int, seen: Callable[[Image.Image], None]) -> None:
    from artfactoryd.shelf.decoding.pillow import ImageSequence

    left = most_pixels
    for frame in ImageSequence.Iterator(picture):
        left -= frame.width * frame.height
        if left < 0:
            size = f"{picture.width} x {picture.height} pixels, frame {picture.tell() + 1}"
            raise TooManyPixels(
                f"The picture is too large ({size}): limits.megapixels allows {most_pixels / 1_000_000:g} in all."
            )
        frame.load()
        if picture.tell() == 0:
            seen(picture)


@contextmanager
def _condemned() -> Iterator[None]:
    """Decoders meet damaged bytes with errors of every type; those of the system carry a number."""
    try:
        yield
    except (OutputBad, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise OutputBad(f"The picture is damaged or cut short ({str(error).rstrip('.')}).") from error


def _check_end(file: BinaryIO, name: str) -> None:
    """Pillow lets a missing end pass when the pixels (of a GIF: of one frame) were there. After it anything may come:
    phones put a film there."""
    is_whole = {"PNG": _png_ends, "JPEG": _jpeg_ends, "MPO": _jpeg_ends, "GIF": _gif_ends}.get(name)
    if is_whole is not None and not is_whole(file):
        raise OutputBad("The picture is cut short: its end is missing.")


def _png_ends(file: BinaryIO) -> bool:
    file.seek(8)
    while len(head := file.read(8)) == 8:
        if head[4:] == b"IEND":
            return len(file.read(4)) == 4
        file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    return False


def _jpeg_ends(file: BinaryIO) -> bool:
    """The mark of the end is looked for behind the segments before the pixels: a thumbnail there has one of its own."""
    file.seek(2)
    while (head := file.read(4))[:2] != b"\xff\xda":
        if len(head) < 4 or head[0] != 0xFF:
            return False
        if head[1] == 0xFF:  # padding
            file.seek(-3, 1)
        else:
            file.seek(int.from_bytes(head[2:], "big") - 2, 1)
    before = b""
    while chunk := file.read(1 << 20):
        if b"\xff\xd9" in before + chunk:
            return True
        before = chunk[-1:]
    return False


def _gif_ends(file: BinaryIO) -> bool:
    file.seek(0, 2)
    file.seek(max(0, file.tell() - GIF_PADDING))
    return GIF_END in file.read()


def _beginning(data: bytes) -> str:
    """What a person may recognise: an error page says so in its first words."""
    if not data:
        return "the file is empty"
    text = " ".join(data.decode("utf-8", "replace").split())
    if sum(letter.isprintable() and letter != "\ufffd" for letter in text) * 10 < len(text) * 9:
        return "its content is of no known kind"
    return f"it begins with “{text[:80]}”"
