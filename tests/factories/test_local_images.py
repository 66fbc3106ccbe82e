"""resize and convert on real photographs: what a person sees stays."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image, ImageCms

from artfactoryd.errors import CallRefused, RunFailed
from artfactoryd.factories import Call, ProviderSettings
from artfactoryd.factories.local import make
from tests.shelf.inside.carriers import carrying, exif, picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ORIENTATION, MAKER = 0x0112, 0x010F


def photograph(folder: Path, orientation: int = 1, **options: Any) -> Path:
    """A 60x40 photograph, red on its left half and blue on its right, as a camera would write it."""
    picture = Image.new("RGB", (60, 40), "red")
    picture.paste("blue", (30, 0, 60, 40))
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = orientation, "Camera"
    path = folder / "photo.jpg"
    picture.save(path, quality=95, exif=exif, icc_profile=SRGB, **options)
    return path


async def work(folder: Path, model: str, image: Path, **parameters: Any) -> Image.Image:
    factory = make(ProviderSettings("local"), folder / "work")
    outputs = await factory.collect(await factory.submit(Call(model, None, {"image": str(image), **parameters})))
    assert outputs is not None
    with Image.open(unquote(urlsplit(outputs.outputs[0].address).path)) as picture:
        picture.load()
        return picture


def looks(picture: Image.Image, x: int, y: int) -> str:
    red, _, blue = picture.convert("RGB").getpixel((x, y))  # type: ignore[misc]
    return "red" if red > 150 and blue < 120 else "blue" if blue > 150 and red < 120 else "other"


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        ({"width": 30}, (30, 20)),
        ({"height": 10}, (15, 10)),
        ({"width": 20, "height": 20}, (20, 13)),
        ({"width": 20, "height": 20, "fit": "cover"}, (20, 20)),
        ({"width": 20, "height": 20, "fit": "pad", "background": "#00ff00"}, (20, 20)),
        ({"width": 20, "height": 20, "fit": "stretch"}, (20, 20)),
        ({"width": 120, "resample": "nearest"}, (120, 80)),
    ],
)
async def test_a_photograph_gets_the_size_asked_for(tmp_path: Path, parameters: Any, size: tuple[int, int]) -> None:
    picture = await work(tmp_path, "resize", photograph(tmp_path), **parameters)
    assert picture.size == size and picture.format == "JPEG"


async def test_the_margins_of_pad_have_the_background_s_colour(tmp_path: Path) -> None:
    picture = await work(tmp_path, "resize", photograph(tmp_path), width=40, height=40, fit="pad", background="lime")
    red, green, blue = picture.getpixel((20, 2))  # type: ignore[misc]
    assert green > 200 and red < 60 and blue < 60
    assert looks(picture, 4, 20) == "red" and looks(picture, 36, 20) == "blue"


@pytest.mark.parametrize("model", ["resize", "convert"])
async def test_a_camera_held_upright_is_upright_in_the_pixels_and_keeps_profile_and_camera(
    tmp_path: Path, model: str
) -> None:
    parameters = {"width": 40} if model == "resize" else {"format": "jpg"}
    picture = await work(tmp_path, model, photograph(tmp_path, orientation=6), **parameters)
    assert picture.size == (40, 60)  # turned a quarter to the right: what was left is above
    assert looks(picture, 20, 5) == "red" and looks(picture, 20, 55) == "blue"
    assert picture.info["icc_profile"] == SRGB
    assert picture.getexif().get(ORIENTATION, 1) == 1 and picture.getexif()[MAKER] == "Camera"


@pytest.mark.parametrize(("name", "format"), [("png", "PNG"), ("webp", "WEBP"), ("jpg", "JPEG")])
async def test_convert_writes_the_format_asked_for_with_its_profile(tmp_path: Path, name: str, format: str) -> None:
    picture = await work(tmp_path, "convert", photograph(tmp_path), format=name)
    assert picture.format == format and picture.info["icc_profile"] == SRGB
    assert looks(picture, 10, 20) == "red" and looks(picture, 50, 20) == "blue"


async def test_strip_metadata_leaves_camera_data_out_and_the_profile_in(tmp_path: Path) -> None:
    picture = await work(tmp_path, "convert", photograph(tmp_path), strip_metadata=True)
    assert MAKER not in picture.getexif() and picture.info["icc_profile"] == SRGB


async def test_colours_are_reduced_to_so_many(tmp_path: Path) -> None:
    many = Image.linear_gradient("L").convert("RGB")
    path = tmp_path / "many.png"
    many.save(path)
    picture = await work(tmp_path, "convert", path, colours=4)
    assert len(picture.convert("RGB").getcolors() or ()) <= 4


async def test_lower_quality_is_a_smaller_file(tmp_path: Path) -> None:
    noise = Image.effect_noise((200, 200), 80).convert("RGB")
    path = tmp_path / "noise.png"
    noise.save(path)
    sizes = []
    for quality in (30, 90):
        picture = await work(tmp_path / str(quality), "convert", path, format="webp", quality=quality)
        file = io.BytesIO()
        picture.save(file, "PNG")
        sizes.append(next((tmp_path / str(quality) / "work").iterdir()).stat().st_size)
    assert sizes[0] < sizes[1]


async def test_transparency_becomes_white_in_a_jpg_and_stays_in_a_png(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(path)
    jpg = await work(tmp_path, "convert", path, format="jpg")
    assert all(value > 240 for value in jpg.getpixel((5, 5)))  # type: ignore[union-attr]
    png = await work(tmp_path, "resize", path, width=10)
    assert png.mode == "RGBA" and png.getpixel((5, 5))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
async def test_every_kind_of_picture_is_resized(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("odd.tiff" if mode == "CMYK" else "odd.png")
    Image.new(mode, (20, 10)).save(path)
    assert (await work(tmp_path, "resize", path, width=10)).size == (10, 5)


@pytest.mark.parametrize(
    ("model", "parameters"),
    [("resize", {"width": 10}), *(("convert", {"format": name}) for name in ("jpg", "png", "webp"))],
)
async def test_sixteen_bits_of_grey_keep_their_brightness(tmp_path: Path, model: str, parameters: Any) -> None:
    path = tmp_path / "deep.png"
    Image.new("I;16", (20, 10), 30_000).save(path)
    picture = await work(tmp_path, model, path, **parameters)
    value: Any = picture.getpixel((5, 3))
    grey = value / 256 if picture.mode.startswith("I") else value[0] if isinstance(value, tuple) else value
    assert abs(grey - 117) < 4


async def test_a_phone_s_jpeg_with_more_pictures_in_its_tail_stays_a_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    Image.new("RGB", (60, 40), "red").save(
        path, "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40), "blue")]
    )
    picture = await work(tmp_path, "resize", path, width=30)
    assert picture.format == "JPEG" and picture.size == (30, 20) and looks(picture, 5, 5) == "red"


@pytest.mark.parametrize(
    ("mode", "format", "kept"), [("CMYK", "png", False), ("CMYK", "jpg", True), ("RGB", "png", True)]
)
async def test_a_colour_profile_goes_along_only_where_it_fits_the_colours(
    tmp_path: Path, mode: str, format: str, kept: bool
) -> None:
    profile = SRGB[:16] + mode.ljust(4).encode() + SRGB[20:]
    path = tmp_path / "print.jpg"
    Image.new(mode, (20, 10)).save(path, icc_profile=profile)
    picture = await work(tmp_path, "convert", path, format=format)
    assert (picture.info.get("icc_profile") == profile) is kept


async def test_the_same_call_gives_the_same_bytes(tmp_path: Path) -> None:
    image = photograph(tmp_path)
    for name in ("one", "two"):
        await work(tmp_path / name, "resize", image, width=33)
    one, two = (next((tmp_path / name / "work").iterdir()).read_bytes() for name in ("one", "two"))
    assert one == two


async def test_what_is_no_picture_fails_at_no_cost_and_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "letter.jpg"
    path.write_text("Dear Sir")
    with pytest.raises(RunFailed, match=r"letter\.jpg") as caught:
        await work(tmp_path, "resize", path, width=10)
    assert not caught.value.charged


@pytest.mark.parametrize(
    ("model", "parameters", "word"),
    [
        ("resize", {"width": 0}, "width"),
        ("resize", {"fit": "squeeze"}, "contain, cover, pad, stretch"),
        ("convert", {"format": "bmp"}, "jpg, png, webp"),
        ("convert", {"colours": 1}, "from 2 to 256"),
        ("convert", {"width": 10}, "no parameter 'width'"),
    ],
)
async def test_a_wrong_parameter_is_refused_in_words(
    tmp_path: Path, model: str, parameters: dict[str, Any], word: str
) -> None:
    factory = make(ProviderSettings("local"), tmp_path)
    with pytest.raises(CallRefused, match=word):
        await factory.submit(Call(model, None, {"image": "x.jpg", **parameters}))


def exif_of(maker_note: int = 0, orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = orientation, "Camera"
    if maker_note:
        exif.get_ifd(0x8769)[0x927C] = bytes(maker_note)
    return exif


@pytest.mark.parametrize("model", ["resize", "convert"])
async def test_damaged_or_over_long_camera_data_does_not_end_an_item(tmp_path: Path, model: str) -> None:
    picture = Image.new("RGB", (60, 40), "red")
    parameters: dict[str, Any] = {"width": 20} if model == "resize" else {"format": "jpg"}
    damaged = tmp_path / "damaged.jpg"
    picture.save(damaged, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7fgarbage", icc_profile=SRGB)
    made = await work(tmp_path, model, damaged, **parameters)
    assert made.format == "JPEG" and made.info["icc_profile"] == SRGB
    long = tmp_path / "long.webp"
    picture.save(long, exif=exif_of(maker_note=90_000), icc_profile=SRGB)
    made = await work(tmp_path, "convert", long, format="jpg")
    assert made.size == (40, 60) and made.info["icc_profile"] == SRGB  # upright
    assert made.getexif()[MAKER] == "Camera" and ORIENTATION not in made.getexif()


@pytest.mark.parametrize(("fit", "size"), [("contain", (48, 1)), ("pad", (48, 10)), ("cover", (48, 10))])
async def test_a_very_long_picture_is_never_less_than_a_pixel_high(
    tmp_path: Path, fit: str, size: tuple[int, int]
) -> None:
    long = tmp_path / "long.png"
    Image.new("RGB", (20_000, 200), "red").save(long)
    height = {} if fit == "contain" else {"height": 10}
    assert (await work(tmp_path, "resize", long, width=48, fit=fit, **height)).size == size


def moving(path: Path) -> Path:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue", "green")]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[100, 200, 300], loop=0)
    return path


@pytest.mark.parametrize(("name", "kind"), [("a.gif", "PNG"), ("a.webp", "WEBP"), ("a.png", "PNG")])
async def test_a_moving_picture_keeps_moving_where_the_target_can(tmp_path: Path, name: str, kind: str) -> None:
    source = moving(tmp_path / name)
    made = await work(tmp_path, "resize", source, width=30)
    assert (made.format, made.size, getattr(made, "n_frames", 1)) == (kind, (30, 20), 3)
    made = await work(tmp_path, "convert", source, format="webp")
    assert getattr(made, "n_frames", 1) == 3


async def test_where_the_target_cannot_move_the_first_frame_is_taken_and_that_is_said(tmp_path: Path) -> None:
    factory = make(ProviderSettings("local"), tmp_path / "work")
    call = Call("convert", None, {"image": str(moving(tmp_path / "a.gif")), "format": "jpg"})
    outputs = await factory.collect(await factory.submit(call))
    assert outputs is not None and "first frame" in outputs.note
    with Image.open(unquote(urlsplit(outputs.outputs[0].address).path)) as picture:
        assert looks(picture, 5, 5) == "red"


@pytest.mark.parametrize(
    ("given", "model", "parameters", "words"),
    [
        ((2, 300, "JPEG"), "resize", {"width": 500}, "500 x 75,000 pixels, and a JPEG holds 65,500 a side"),
        ((2, 100, "WEBP"), "resize", {"height": 16384}, "328 x 16,384 pixels, and a WEBP holds 16,383 a side"),
        ((9, 9, "WEBP"), "resize", {"width": 16384, "height": 9, "fit": "pad"}, "holds 16,383 a side"),
        ((2, 16384, "PNG"), "convert", {"format": "webp"}, "2 x 16,384 pixels, and a WEBP holds 16,383 a side"),
        ((1, 65501, "PNG"), "convert", {"format": "jpg"}, "holds 65,500 a side. Make it smaller"),
        ((2, 300, "PNG"), "resize", {"width": 16384}, "16,384 x 2,457,600 pixels, more than is made here"),
    ],
)
async def test_what_no_format_holds_is_refused_in_words_before_it_is_made(
    tmp_path: Path, given: tuple[int, int, str], model: str, parameters: Any, words: str
) -> None:
    Image.new("RGB", given[:2]).save(path := tmp_path / "photo.bin", given[2])
    with pytest.raises(RunFailed, match=words):
        await work(tmp_path, model, path, **parameters)


async def test_what_does_not_open_is_told_without_the_words_of_a_library(tmp_path: Path) -> None:
    (path := tmp_path / "photo.png").write_bytes(b"no picture")
    with pytest.raises(RunFailed, match=r"photo.png cannot be worked on: it is no picture that opens here\.$"):
        await work(tmp_path, "resize", path, width=3)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
async def test_what_is_made_of_a_product_does_not_tell_of_that_one(tmp_path: Path, form: str) -> None:
    extension = {"JPEG": "jpg", "WEBP": "webp"}[form]
    (tmp_path / "a").write_bytes(carrying(extension, picture(form, exif=exif())))
    made = await work(tmp_path, "convert", tmp_path / "a", format="jpg")
    assert made.getexif()[0x010E] == "what the provider says" and not made.getexif().get_ifd(0x8769)
    assert "xmp" not in made.info
