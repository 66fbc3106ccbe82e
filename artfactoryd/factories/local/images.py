"""Real work on real pictures: the models `resize` and `convert`. Pure: a picture in, a picture's bytes out.

What a person sees stays: a photograph's orientation is turned into its pixels, its colour profile
goes along, its camera data too unless that is asked away. The same input gives the same bytes.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageColor, ImageOps, PngImagePlugin, UnidentifiedImageError

from artfactoryd.core.inside.undo import restored
from artfactoryd.entries import bounded
from artfactoryd.factories.local.parameters import Convert, Resize, Upscale
from artfactoryd.medium import in_words

FILTERS = {
    "lanczos": Image.Resampling.LANCZOS, "bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX, "nearest": Image.Resampling.NEAREST,
}  # fmt: skip
FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
EXTENSIONS = {**{name: extension for extension, name in FORMATS.items()}, "MPO": "jpg"}  # MPO: a phone's JPEG
SPACES = {b"RGB ": ("RGB", "RGBA", "P"), b"GRAY": ("1", "L", "LA", "I;16"), b"CMYK": ("CMYK",)}  # of a colour profile
MOST_WITH_WORDS = 64 << 20  # bytes; in a larger file nothing of ours is written
QUALITY = 92  # of what is resized: a loss nobody sees
ORIENTATION, EXIF_IFD, THUMBNAIL_IFD, MAKER_NOTE, USER_COMMENT = 0x0112, 0x8769, 1, 0x927C, 0x9286
LONGEST_EXIF = 65_000  # bytes; a JPEG's segment takes 65,533
MOVING = frozenset({"GIF", "WEBP", "PNG"})  # formats of which all frames are read; MPO's are views, not moments
KEEP_FRAMES = ("png", "webp")  # what is written with all of them
STILL = 100  # milliseconds, of a frame that does not say
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
MOST_SIDE = {"jpg": 65_500, "webp": 16_383}  # pixels that a format holds across and down; PNG holds any
MOST_PIXELS = 16_384 * 16_384  # of one frame that is made here: the largest that can be asked for by both sides
PLAIN = ("L", "LA", "RGB", "RGBA", "CMYK")  # modes that can be resampled without loss of meaning


class DoesNotFit(ValueError):
    """What was asked for is larger than its format, or this machine, can hold; the sentence says what would do."""


@dataclass(frozen=True, slots=True)
class Made:
    data: bytes
    extension: str


@dataclass(frozen=True, slots=True)
class Photograph:
    """A decoded picture, upright, with what travels beside its pixels."""

    frames: tuple[Image.Image, ...]
    format: str
    profile: bytes | None
    exif: bytes | None
    durations: tuple[int, ...] = ()  # of the frames, in milliseconds; empty for a still one
    loop: int = 0
    text: str = ""  # how it was made; where there is EXIF too, it has the same

    def each(self, work: Callable[[Image.Image], Image.Image]) -> Photograph:
        return replace(self, frames=tuple(map(work, self.frames)))


def read(path: Path, moving: bool = True) -> Photograph:
    """Upright. `moving`: with all its frames. Raises OSError (Pillow's too) when it is no picture."""
    with _opened(path) as opened:
        count = getattr(opened, "n_frames", 1) if moving and opened.format in MOVING else 1
        orientation, exif = _camera_data(opened)
        frames, durations = list[Image.Image](), list[int]()
        for number in range(count):
            opened.seek(number)
            opened.load()
            frames.append(_upright(opened.copy(), orientation))
            durations.append(round(opened.info.get("duration") or STILL))
        return Photograph(
            tuple(frames), opened.format or "PNG", opened.info.get("icc_profile"), exif,
            tuple(durations) if count > 1 else (), int(opened.info.get("loop") or 0),
        )  # fmt: skip


def _opened(path: Path) -> Image.Image:
    """Without what was put into a product of ours: what is made of it is another one."""
    data = bounded(path, MOST_WITH_WORDS)
    if len(data) > MOST_WITH_WORDS:
        return Image.open(path)
    return Image.open(io.BytesIO(restored(data) or data))


def _camera_data(opened: Image.Image) -> tuple[int, bytes | None]:
    """Orientation, and the rest as it is written again; of damaged data what can be read. The picture is whole."""
    opened.load()
    orientation, exif = 1, None
    with contextlib.suppress(Exception):  # a decoder of damaged bytes fails with errors of every type
        data = opened.getexif()
        value = data.get(ORIENTATION, 1)
        orientation = value if isinstance(value, int) else 1
        data.pop(ORIENTATION, None)
        exif = data.tobytes() or None
        if exif is not None and len(exif) > LONGEST_EXIF:
            exif = _shortened(data)
    return orientation, exif


def _shortened(data: Image.Exif) -> bytes | None:
    """Without what makes it too long for a JPEG: the maker's own notes, the small picture; if need be all of it."""
    data.get_ifd(EXIF_IFD).pop(MAKER_NOTE, None)
    data.get_ifd(THUMBNAIL_IFD).clear()
    shorter = data.tobytes()
    return shorter if len(shorter) <= LONGEST_EXIF else None


def _upright(pixels: Image.Image, orientation: int) -> Image.Image:
    turn = TURNS.get(orientation)
    return pixels if turn is None else pixels.transpose(turn)


def why_not(error: Exception) -> str:
    """It cannot be worked on, without the full stop."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    if isinstance(error, UnidentifiedImageError):  # its own words are a path of .work
        return "it is no picture that opens here"
    return in_words(error).rstrip(".")


def loses_frames(path: Path, wanted: Resize | Convert | Upscale) -> bool:
    """Whether of a moving picture only the first frame can be kept."""
    with Image.open(path) as opened:
        moves = opened.format in MOVING and getattr(opened, "n_frames", 1) > 1
        extension = wanted.format if isinstance(wanted, Convert) else None
        ending = extension or EXTENSIONS.get(opened.format or "", "png")
        return moves and (isinstance(wanted, Upscale) or ending not in KEEP_FRAMES)


def resize(path: Path, wanted: Resize) -> Made:
    photograph = read(path)
    given, extension = photograph.frames[0].size, EXTENSIONS.get(photograph.format, "png")
    size = _size(given, wanted.width, wanted.height)
    _check_size(_contained_size(given, size) if wanted.fit == "contain" else size, extension)

    def fitted(pixels: Image.Image) -> Image.Image:
        return _fitted(_resampled(pixels), size, wanted.fit, wanted.background, FILTERS[wanted.resample])

    return _encode(photograph.each(fitted), extension, QUALITY)


def enlarged(path: Path, scale: int, factor: int, work: Callable[[Image.Image], Image.Image]) -> Made:
    """Of a moving one the first frame. `work`: makes it `scale` times as wide, by way of `factor` times."""
    photograph = read(path, moving=False)
    extension = EXTENSIONS.get(photograph.format, "png")
    across, down = photograph.frames[0].size
    _check_size((across * scale, down * scale), extension)
    _check_size((across * factor, down * factor), "png")
    return _encode(photograph.each(lambda pixels: work(_resampled(pixels))), extension, QUALITY)


def convert(path: Path, wanted: Convert) -> Made:
    photograph = read(path, moving=wanted.format in (None, *KEEP_FRAMES))
    if wanted.strip_metadata:
        photograph = replace(photograph, exif=None)
    extension, colours = wanted.format or EXTENSIONS.get(photograph.format, "png"), wanted.colours
    _check_size(photograph.frames[0].size, extension)
    if colours:
        photograph = photograph.each(lambda pixels: _reduced(pixels, colours))
    return _encode(photograph, extension, wanted.quality)


def handed_out(path: Path, extension: str | None, longest: int | None, quality: int, told: str | None) -> Made:
    """In another format, or smaller, or both; nothing is made larger. `told`: how it was made, for tools of the field;
    None: nothing is told, of the camera neither."""
    photograph = read(path, moving=extension in (None, *KEEP_FRAMES))
    exif = None if told is None else _with_comment(photograph.exif, told)
    photograph = replace(photograph, exif=exif, text=told or "")
    given, ending = photograph.frames[0].size, extension or EXTENSIONS.get(photograph.format, "png")
    if longest and max(given) > longest:
        size = _contained_size(given, (longest, longest))
        photograph = photograph.each(lambda pixels: _resampled(pixels).resize(size, FILTERS["lanczos"]))
    _check_size(photograph.frames[0].size, ending)
    return _encode(photograph, ending, quality)


def _with_comment(exif: bytes | None, told: str) -> bytes | None:
    if not told:
        return exif
    data = Image.Exif()
    data.load(exif or b"")
    data.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + told.encode("utf-16-be", "replace")
    whole = data.tobytes()
    return whole if len(whole) <= LONGEST_EXIF else exif


def _size(size: tuple[int, int], width: int | None, height: int | None) -> tuple[int, int]:
    """Both sides; the missing one follows from the picture's shape."""
    across, down = size
    if width is None and height is None:
        return size
    if width is None:
        return max(1, round(across * (height or down) / down)), height or down
    return width, height if height is not None else max(1, round(down * width / across))


def _check_size(size: tuple[int, int], extension: str) -> None:
    """Raises DoesNotFit, before anything of that size is made."""
    across, down = size
    asked = f"it would be {across:,} x {down:,} pixels"
    most = MOST_SIDE.get(extension, max(size))
    if max(size) > most:
        raise DoesNotFit(
            f"{asked}, and a {FORMATS[extension]} holds {most:,} a side. Make it smaller, or ask `convert` for png"
        )
    if across * down > MOST_PIXELS:
        raise DoesNotFit(f"{asked}, more than is made here ({MOST_PIXELS // 1_000_000} megapixels). Make it smaller")


def _resampled(pixels: Image.Image) -> Image.Image:
    """Palettes and bits cannot be mixed; they become colours first."""
    pixels = _eight_bits(pixels)
    if pixels.mode in PLAIN:
        return pixels
    return pixels.convert("RGBA" if "transparency" in pixels.info or pixels.mode == "PA" else "RGB")


def _fitted(
    pixels: Image.Image, size: tuple[int, int], fit: str, background: str | None, how: Image.Resampling
) -> Image.Image:
    if fit == "stretch":
        return pixels.resize(size, how)
    if fit == "cover":
        return ImageOps.fit(pixels, size, how)
    if fit == "pad":
        inside = _contained(pixels, size, how)
        whole = Image.new(pixels.mode, size, _colour(background, pixels.mode))
        whole.paste(inside, ((size[0] - inside.width) // 2, (size[1] - inside.height) // 2))
        return whole
    return _contained(pixels, size, how)


def _contained(pixels: Image.Image, size: tuple[int, int], how: Image.Resampling) -> Image.Image:
    return pixels.resize(_contained_size(pixels.size, size), how)


def _contained_size(given: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """As large as fits, and never less than a pixel high: of 20000 x 200 at 48 that would be none."""
    width, height = given
    scale = min(size[0] / width, size[1] / height)
    if round(width * scale) < 1 or round(height * scale) < 1:
        scale = max(scale, min(size[0] / width, 1.0))
    across, down = round(width * scale), round(height * scale)
    return max(1, min(across, size[0])), max(1, min(down, size[1]))


def _colour(background: str | None, mode: str) -> int | tuple[int, ...]:
    if background is None:
        clear = {"LA": (255, 0), "RGBA": (255, 255, 255, 0), "CMYK": (0, 0, 0, 0)}
        return clear.get(mode) or ImageColor.getcolor("white", mode)
    if mode == "CMYK":
        red, green, blue = ImageColor.getrgb(background)[:3]
        return (255 - red, 255 - green, 255 - blue, 0)
    return ImageColor.getcolor(background, mode)


def _eight_bits(pixels: Image.Image) -> Image.Image:
    """Sixteen bits of grey become eight: Pillow alone would turn all but the darkest into white."""
    return pixels.point(lambda value: value / 256).convert("L") if pixels.mode.startswith("I") else pixels


def _reduced(pixels: Image.Image, colours: int) -> Image.Image:
    pixels = _eight_bits(pixels)
    if pixels.mode in ("RGBA", "LA", "PA") or "transparency" in pixels.info:
        return pixels.convert("RGBA").quantize(colours, method=Image.Quantize.FASTOCTREE)
    return pixels.convert("RGB").quantize(colours)


def _encode(photograph: Photograph, extension: str, quality: int) -> Made:
    frames = [_writable(pixels, extension) for pixels in photograph.frames]
    pixels = frames[0]
    profile = photograph.profile or b""
    fits = pixels.mode in SPACES.get(profile[16:20], ())  # one of other colours would show false ones
    beside = {"icc_profile": profile if fits else b"", "exif": photograph.exif or b""}
    effort: dict[str, Any] = {"compress_level": 6} if extension == "png" else {"quality": quality}
    if photograph.text and extension == "png":
        effort["pnginfo"], beside["exif"] = PngImagePlugin.PngInfo(), b""
        effort["pnginfo"].add_itxt("parameters", photograph.text)
    file = io.BytesIO()
    moving: dict[str, Any] = {}
    if len(frames) > 1 and extension in KEEP_FRAMES:
        moving = {
            "save_all": True, "append_images": frames[1:], "duration": list(photograph.durations),
            "loop": photograph.loop,
        }  # fmt: skip
    pixels.save(file, FORMATS[extension], **effort, **beside, **moving)
    return Made(file.getvalue(), extension)


def _writable(pixels: Image.Image, extension: str) -> Image.Image:
    """In a mode the format can hold: JPEG has no transparency (it becomes white) and no palette."""
    pixels = pixels if extension == "png" else _eight_bits(pixels)
    if extension == "jpg":
        if pixels.mode in ("RGBA", "LA", "PA") or "transparency" in pixels.info:
            over = pixels.convert("RGBA")
            return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
        return pixels if pixels.mode in ("L", "RGB", "CMYK") else pixels.convert("RGB")
    if pixels.mode == "CMYK" or (extension == "webp" and pixels.mode not in ("RGB", "RGBA")):
        return pixels.convert("RGBA" if "A" in pixels.mode or "transparency" in pixels.info else "RGB")
    return pixels
