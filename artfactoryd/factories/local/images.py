"""Real work on real pictures: the models `resize` and `convert`. Pure: a picture in, a picture's bytes out.

What a person sees stays: a photograph's orientation is turned into its pixels, its colour profile
goes along, its camera data too unless that is asked away. The same input gives the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageColor, ImageOps

from artfactoryd.factories.local.parameters import Convert, Resize

FILTERS = {
    "lanczos": Image.Resampling.LANCZOS, "bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX, "nearest": Image.Resampling.NEAREST,
}  # fmt: skip
FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
EXTENSIONS = {**{name: extension for extension, name in FORMATS.items()}, "MPO": "jpg"}  # MPO: a phone's JPEG
SPACES = {b"RGB ": ("RGB", "RGBA", "P"), b"GRAY": ("1", "L", "LA", "I;16"), b"CMYK": ("CMYK",)}  # of a colour profile
QUALITY = 92  # of what is resized: a loss nobody sees
ORIENTATION = 0x0112
PLAIN = ("L", "LA", "RGB", "RGBA", "CMYK")  # modes that can be resampled without loss of meaning


@dataclass(frozen=True, slots=True)
class Made:
    data: bytes
    extension: str


@dataclass(frozen=True, slots=True)
class Photograph:
    """A decoded picture, upright, with what travels beside its pixels."""

    pixels: Image.Image
    format: str
    profile: bytes | None
    exif: bytes | None


def read(path: Path) -> Photograph:
    """Raises OSError (Pillow's too) when it is no picture."""
    with Image.open(path) as opened:
        opened.load()
        exif = opened.getexif()
        pixels = ImageOps.exif_transpose(opened)
        if ORIENTATION in exif:
            del exif[ORIENTATION]
        return Photograph(pixels, opened.format or "PNG", opened.info.get("icc_profile"), exif.tobytes() or None)


def resize(path: Path, wanted: Resize) -> Made:
    photograph = read(path)
    pixels = _resampled(photograph.pixels)
    size = _size(pixels.size, wanted.width, wanted.height)
    pixels = _fitted(pixels, size, wanted.fit, wanted.background, FILTERS[wanted.resample])
    return _encode(replace(photograph, pixels=pixels), EXTENSIONS.get(photograph.format, "png"), QUALITY)


def convert(path: Path, wanted: Convert) -> Made:
    photograph = read(path)
    if wanted.strip_metadata:
        photograph = replace(photograph, exif=None)
    if wanted.colours:
        photograph = replace(photograph, pixels=_reduced(photograph.pixels, wanted.colours))
    extension = wanted.format or EXTENSIONS.get(photograph.format, "png")
    return _encode(photograph, extension, wanted.quality)


def _size(size: tuple[int, int], width: int | None, height: int | None) -> tuple[int, int]:
    """Both sides; the missing one follows from the picture's shape."""
    across, down = size
    if width is None and height is None:
        return size
    if width is None:
        return max(1, round(across * (height or down) / down)), height or down
    return width, height if height is not None else max(1, round(down * width / across))


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
        return ImageOps.pad(pixels, size, how, color=_colour(background, pixels.mode))
    return ImageOps.contain(pixels, size, how)


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
    pixels = _writable(photograph.pixels, extension)
    profile = photograph.profile or b""
    fits = pixels.mode in SPACES.get(profile[16:20], ())  # one of other colours would show false ones
    beside = {"icc_profile": profile if fits else b"", "exif": photograph.exif or b""}
    effort = {"compress_level": 6} if extension == "png" else {"quality": quality}
    file = io.BytesIO()
    pixels.save(file, FORMATS[extension], **effort, **beside)
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
