"""Thumbnails show what the picture shows: upright, in the colours that are meant, with what is transparent seen."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageCms

from artfactoryd.shelf.thumbnails import scaling

RED, BLUE = (250, 10, 10), (10, 10, 250)


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> Image.Image:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    again = Image.open(io.BytesIO(data.getvalue()))
    again.load()
    return again


def halves(width: int = 60, height: int = 30) -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture


def nearly(one: object, other: tuple[int, ...], by: int = 12) -> bool:
    assert isinstance(one, tuple)
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        ((1600, 1200), [(800, 600), (400, 300), (150, 112)]),
        ((300, 900), [(267, 800), (134, 400), (50, 150)]),
        ((120, 90), [(120, 90)] * 3),
        ((5000, 2), [(800, 1), (400, 1), (150, 1)]),
    ],
)
def test_the_longest_side_is_that_of_the_size_and_nothing_is_enlarged(
    size: tuple[int, int], sizes: list[tuple[int, int]]
) -> None:
    made = dict(scaling.scaled(Image.new("RGB", size)))
    assert list(made) == [800, 400, 150]
    assert [made[side].size for side in made] == sizes


@pytest.mark.parametrize(("turn", "left"), [(1, RED), (2, BLUE), (3, BLUE), (6, None), (8, None)])
def test_it_is_upright_as_the_camera_was_held(turn: int, left: tuple[int, int, int] | None) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    small = dict(scaling.scaled(saved(halves(), "JPEG", exif=exif, quality=95)))[800]
    if left is None:
        assert small.size == (30, 60)
        assert nearly(small.getpixel((15, 5)), RED if turn == 6 else BLUE)
    else:
        assert small.size == (60, 30) and nearly(small.getpixel((5, 15)), left)


def test_a_colour_profile_is_reckoned_in() -> None:
    """A profile that calls the strongest channel blue: red pixels are meant blue."""
    picture = saved(Image.new("RGB", (8, 8), (128, 128, 128)), icc_profile=_linear())
    told = dict(scaling.scaled(picture))[150].getpixel((4, 4))
    assert isinstance(told, tuple) and told[0] > 170  # half the light is no middle grey in sRGB


def _linear() -> bytes:
    """sRGB's colours without its curve: in the profile each curve is one number, here 1."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for number in range(int.from_bytes(profile[128:132], "big")):
        entry = 132 + 12 * number
        if bytes(profile[entry : entry + 4]) in (b"rTRC", b"gTRC", b"bTRC"):
            start = int.from_bytes(profile[entry + 4 : entry + 8], "big")
            profile[start : start + 14] = b"curv\0\0\0\0\0\0\0\x01\x01\x00"
            profile[entry + 8 : entry + 12] = (14).to_bytes(4, "big")
    return bytes(profile)


def test_a_profile_that_is_none_is_passed_over() -> None:
    picture = saved(halves(), icc_profile=b"no profile at all")
    assert nearly(dict(scaling.scaled(picture))[800].getpixel((5, 15)), RED)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_every_mode_becomes_plain_colours(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    source = Image.new("L", (40, 40), 200)
    picture = source.point(lambda v: v * 257, "I").convert("I;16") if mode == "I;16" else source.convert(mode)
    small = dict(scaling.scaled(saved(picture, kind)))[150]
    assert small.mode == "RGB" and nearly(small.getpixel((20, 20)), (255,) * 3 if mode == "1" else (200,) * 3)


@pytest.mark.parametrize("paint", [lambda: (255, 255, 255, 255), lambda: (0, 0, 0, 255)])
def test_what_is_transparent_shows_squares_that_neither_white_nor_black_vanishes_on(
    paint: Callable[[], tuple[int, ...]],
) -> None:
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    picture.paste(paint(), (20, 20, 44, 44))
    small = dict(scaling.scaled(saved(picture)))[800]
    ground = {small.getpixel((2, 2)), small.getpixel((18, 2))}
    assert len(ground) == 2 and small.getpixel((30, 30)) not in ground
