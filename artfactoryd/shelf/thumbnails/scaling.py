"""Three sizes of one decoded picture, each made from the next larger one.

They are upright, in sRGB and without transparency, so that whoever shows them needs to know nothing of the original.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import ExifTags, Image, ImageCms, ImageOps

from artfactoryd.shelf.thumbnails import SIZES

QUALITY = 82
LIGHT, DARK, CHECK = 236, 214, 16  # of the squares behind what is transparent, and their side in pixels
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def scaled(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """(size, picture) from the largest size down; a small picture is not enlarged."""
    small = _upright(_reduced(_plain(picture), SIZES[0]), picture)
    small = _opaque(_in_srgb(small, picture))
    yield SIZES[0], small
    for size in SIZES[1:]:
        small = _reduced(small, size, Image.Resampling.HAMMING)
        yield size, small


def jpeg(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=QUALITY)
    return data.getvalue()


def _plain(picture: Image.Image) -> Image.Image:
    """In a mode that can be scaled without loss of what it shows."""
    if picture.mode.startswith("I"):  # 16 bits of grey
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in ("P", "PA") or "transparency" in picture.info:
        return picture.convert("RGBA" if "transparency" in picture.info or picture.mode == "PA" else "RGB")
    return picture.convert("L") if picture.mode in ("1", "F") else picture


def _reduced(picture: Image.Image, size: int, resample: Image.Resampling = Image.Resampling.LANCZOS) -> Image.Image:
    width, height = picture.size
    longest = max(width, height)
    if longest <= size:
        return picture
    return picture.resize((max(1, round(width * size / longest)), max(1, round(height * size / longest))), resample)


def _upright(small: Image.Image, picture: Image.Image) -> Image.Image:
    """As the camera was held."""
    turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    return small if turn is None else small.transpose(turn)


def _in_srgb(small: Image.Image, picture: Image.Image) -> Image.Image:
    """By its colour profile; one that cannot be used is as none."""
    profile = picture.info.get("icc_profile")
    if not profile or small.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return small
    alpha = small.getchannel("A") if small.mode == "RGBA" else None
    try:
        bare = small.convert("RGB") if alpha else small
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        told = ImageCms.profileToProfile(bare, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return small
    if told is None:
        return small
    if alpha:
        told.putalpha(alpha)
    return told


_SRGB = ImageCms.createProfile("sRGB")


def _opaque(small: Image.Image) -> Image.Image:
    """What shines through is shown as squares, so that neither white nor black on nothing is lost."""
    if small.mode not in ("RGBA", "LA", "La", "RGBa"):
        return small.convert("RGB")
    small = small.convert("RGBA")
    if small.getchannel("A").getextrema() == (255, 255):
        return small.convert("RGB")
    return Image.alpha_composite(_squares(small.size), small).convert("RGB")


def _squares(size: tuple[int, int]) -> Image.Image:
    pair = Image.new("L", (2, 2), LIGHT)
    pair.putpixel((0, 1), DARK)
    pair.putpixel((1, 0), DARK)
    tile = pair.resize((2 * CHECK, 2 * CHECK), Image.Resampling.NEAREST)
    ground = Image.new("L", size)
    for left in range(0, size[0], tile.width):
        for top in range(0, size[1], tile.height):
            ground.paste(tile, (left, top))
    return ground.convert("RGBA")


def inside(picture: Image.Image, width: int, height: int) -> Image.Image:
    """As large as it can be there, and never larger than it is."""
    if picture.width <= width and picture.height <= height:
        return picture
    return ImageOps.contain(picture, (width, height), Image.Resampling.LANCZOS)
