"""The drawing of `local/sketch`: the same prompt, seed and size give the same picture, everywhere.

A flat landscape whose colours are the prompt's colour words (else chosen by its hash), with a
simple figure for each noun it knows, and a strip at the bottom that says what was asked.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
WHITE, INK, LAMP, MIST = (255, 255, 255), (30, 32, 40), (255, 236, 170), (104, 120, 140)
FIXED = {"g": (214, 232, 240), "i": INK, "y": LAMP, "w": (110, 78, 54)}  # glass, ink, lamp, wood

COLOURS: dict[str, Colour] = {
    "red": (208, 38, 44), "crimson": (165, 20, 48), "scarlet": (232, 52, 28), "orange": (240, 128, 28),
    "gold": (216, 166, 36), "golden": (216, 166, 36), "yellow": (247, 208, 40), "lime": (150, 208, 40),
    "green": (48, 150, 72), "olive": (122, 126, 44), "teal": (20, 128, 128), "turquoise": (48, 196, 188),
    "cyan": (40, 190, 220), "blue": (34, 92, 210), "navy": (26, 42, 104), "indigo": (72, 52, 168),
    "purple": (122, 50, 168), "violet": (146, 88, 214), "magenta": (206, 36, 142), "pink": (244, 130, 172),
    "brown": (126, 82, 50), "beige": (222, 202, 168), "black": (34, 34, 40), "white": (248, 248, 244),
    "grey": (136, 140, 148), "gray": (136, 140, 148), "silver": (190, 196, 204),
}  # fmt: skip
UNNAMED = ("red", "orange", "gold", "green", "teal", "cyan", "blue", "indigo", "purple", "pink", "brown")

# A figure in a box of 100 x 100 standing on y = 100. Two points are an ellipse's box, "r" a rectangle's,
# more are a polygon; the first letter says the colour: main, dark, light, or one of FIXED.
FIGURES: dict[str, str] = {
    "car": "m 22,62 34,38 66,38 84,62|mr 4,58 97,86|g 30,59 38,43 49,43 49,59|g 53,59 53,43 64,43 75,59"
           "|i 15,74 41,100|i 62,74 88,100|l 22,81 34,93|l 69,81 81,93|y 89,63 97,71|dr 4,76 97,80",
    "house": "dr 66,16 76,44|mr 18,46 82,100|d 8,50 50,12 92,50|wr 43,66 58,100|gr 25,58 37,72|gr 64,58 76,72"
             "|y 53,82 56,85",
    "tree": "wr 45,58 55,100|d 14,24 62,74|m 36,22 86,74|m 26,2 74,56|l 46,10 64,30",
    "dog": "m 24,58 6,34 12,32 30,52|mr 22,50 72,76|mr 23,70 31,100|dr 36,72 43,100|mr 54,72 61,100|dr 64,70 71,100"
           "|m 60,20 90,56|m 74,34 100,54|d 60,22 74,56|i 93,35 100,43|i 79,30 84,36",
    "cat": "m 64,98 86,92 92,66 84,62 80,82 60,86|m 30,46 70,104|m 28,18 72,56|m 30,36 30,4 50,24|m 70,36 70,4 50,24"
           "|l 42,66 58,96|y 36,30 46,42|y 54,30 64,42|i 40,31 43,41|i 57,31 60,41|i 46,45 54,45 50,50",
    "door": "dr 24,4 76,100|mr 29,9 71,100|lr 34,15 48,50|lr 52,15 66,50|dr 34,57 48,92|dr 52,57 66,92|y 62,50 68,57"
            "|dr 20,96 80,100",
    "fox": "l 0,66 14,92|m 4,60 40,90|m 30,56 82,90|m 34,70 40,100 46,100 50,74|d 62,72 66,100 72,100 78,70"
           "|m 62,44 78,22 98,50 80,66|m 66,36 66,10 80,30|m 82,34 94,16 94,42|l 80,56 100,50 84,66|i 94,48 100,55"
           "|i 80,40 85,46",
    "lighthouse": "m 38,24 62,24 70,100 30,100|l 36,42 64,42 66,56 35,56|l 33,72 67,72 69,86 32,86|dr 34,20 66,25"
                  "|yr 41,8 59,20|d 38,8 50,0 62,8|wr 45,86 55,100",
    "boat": "m 6,72 94,72 80,94 20,94|wr 48,8 51,72|l 53,10 53,66 86,66|d 46,20 46,66 18,66",
    "kite": "m 50,6 78,40 50,74 22,40|l 50,6 78,40 50,40|d 50,74 22,40 50,40|w 49,74 52,100 47,100|d 50,86 42,82 42,90"
            "|d 50,86 58,82 58,90",
    "mug": "dr 66,52 92,56|dr 86,52 92,84|dr 66,80 92,84|mr 22,42 72,100|l 22,36 72,48|d 26,38 68,46",
    "bowl": "d 10,44 90,66|m 10,54 90,54 74,92 26,92|dr 34,90 66,98|l 14,47 86,62",
    "vase": "m 38,10 62,10 58,34 78,62 66,98 34,98 22,62 42,34|l 36,6 64,14|d 40,8 60,12|l 34,56 40,84",
    "teapot": "m 18,44 78,98|d 2,50 10,46 30,74 26,82|dr 76,56 94,61|dr 89,56 94,84|dr 74,80 94,85|l 32,38 64,52"
              "|d 43,28 53,40",
    "plate": "m 6,70 94,98|l 16,73 84,92|d 26,77 74,89",
    "moon": "l 20,10 80,70|m 26,14 76,64|d 36,24 48,36|d 56,30 64,38|d 42,46 56,58",
    "flower": "dr 48,48 52,100|d 52,74 72,66 60,86|m 36,4 64,34|m 14,20 44,50|m 56,20 86,50|m 24,42 54,70|m 46,42 76,70"
              "|y 38,28 62,52",
}  # fmt: skip
NOUNS = {  # of any other word the picture stays abstract: it never shows another animal
    **{name: name for name in FIGURES}, "taxi": "car", "van": "car", "truck": "car", "home": "house",
    "cottage": "house", "cabin": "house", "barn": "house", "village": "house", "forest": "tree", "oak": "tree",
    "pine": "tree", "puppy": "dog", "hound": "dog", "kitten": "cat", "kitty": "cat", "gate": "door", "tower":
    "lighthouse", "sailboat": "boat", "ship": "boat", "harbour": "boat", "harbor": "boat", "cup": "mug", "rose":
    "flower", "tulip": "flower", "saucer": "plate", "foxes": "fox",
}  # fmt: skip
NATURAL = {"tree": COLOURS["green"], "dog": COLOURS["brown"], "fox": COLOURS["orange"], "moon": COLOURS["silver"]}
FLOATS = frozenset({"moon", "kite"})  # in the sky


@dataclass(frozen=True, slots=True)
class Sheet:
    """What every part of the drawing draws with."""

    pen: ImageDraw.ImageDraw
    width: int
    height: int
    chance: random.Random
    palette: tuple[Colour, ...]

    @property
    def unit(self) -> int:
        return min(self.width, self.height)


def draw(prompt: str, width: int, height: int, seed: int, stands_for: str = "") -> Image.Image:
    """An RGB picture of exactly width x height. Any text will do. `stands_for`: the model that was ordered."""
    scale = 2 if width * height <= 2_000_000 else 1  # drawn double and reduced, for smooth edges
    picture = _landscape(prompt, width * scale, height * scale, random.Random(_number(f"{seed}\0{prompt}")))
    picture = picture.reduce(scale)
    model, told = _plain(stands_for), f"seed {seed}"
    _caption(picture, prompt, [f"{model} · {told}", model] if model else [told])
    return picture


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")


def _words(prompt: str) -> list[str]:
    return re.findall(r"[a-z]+", prompt.casefold())


def _palette(prompt: str) -> tuple[Colour, ...]:
    named = tuple(dict.fromkeys(COLOURS[word] for word in _words(prompt) if word in COLOURS))
    if named:
        return named
    first = _number(prompt)
    step = 1 + first // 1000 % (len(UNNAMED) - 1)
    return tuple(COLOURS[UNNAMED[(first + step * number) % len(UNNAMED)]] for number in range(2))


def _figures(prompt: str, palette: tuple[Colour, ...]) -> list[tuple[str, Colour]]:
    """Each noun takes the colour word before it, else its natural colour, else the palette's next.

    One that comes again is the same: `a fox and a bear, the fox smiling` has one fox.
    """
    figures: list[tuple[str, Colour]] = []
    colour: Colour | None = None
    for word in _words(prompt):
        colour = COLOURS.get(word, colour)
        if noun := NOUNS.get(word) or NOUNS.get(word.removesuffix("s")):
            if noun not in [other for other, _ in figures]:
                figures.append((noun, colour or NATURAL.get(noun) or palette[len(figures) % len(palette)]))
            colour = None
    return figures[:3]


def _mix(one: Colour, other: Colour, percent: int) -> Colour:
    """`percent` of the other in the one."""
    red, green, blue = (a + (b - a) * percent // 100 for a, b in zip(one, other, strict=True))
    return red, green, blue


def _landscape(prompt: str, width: int, height: int, chance: random.Random) -> Image.Image:
    palette = _palette(prompt)
    main, accent = palette[0], palette[-1]
    sky = _mix(MIST if sum(main) > 640 else main, WHITE, 30 if sum(main) > 640 else 58)
    picture = _gradient(width, height, sky, _mix(accent, WHITE, 86))
    sheet = Sheet(ImageDraw.Draw(picture), width, height, chance, palette)
    _sun(sheet, _mix(accent, LAMP, 78))
    for layer in range(3):
        ground = _mix(_mix(accent if layer == 1 else main, MIST, 50), INK, 6 + 17 * layer)
        _hill(sheet, 50 + 9 * layer, _mix(ground, sky, 58 - 26 * layer))
    if figures := _figures(prompt, palette):
        _stand(sheet, figures)
    else:
        _blocks(sheet)
    return picture


def _gradient(width: int, height: int, top: Colour, bottom: Colour) -> Image.Image:
    """Each row is of one colour, so one column is mixed and then drawn out: a fifteenth of the work."""
    size = (1, height)
    mask = Image.linear_gradient("L").resize(size)
    column = Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), mask)
    return column.resize((width, height), Image.Resampling.NEAREST)


def _sun(sheet: Sheet, colour: Colour) -> None:
    x, y = (side * sheet.chance.randrange(14, most) // 100 for side, most in ((sheet.width, 87), (sheet.height, 38)))
    radius = sheet.unit * sheet.chance.randrange(7, 13) // 100
    sheet.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _hill(sheet: Sheet, level: int, colour: Colour) -> None:
    """A ridge through a few seeded heights, smoothed by corner cutting; `level` in percent from the top."""
    width, height, chance = sheet.width, sheet.height, sheet.chance
    steps = chance.randrange(3, 7)
    ridge = [(width * n // steps, height * (level + chance.randrange(-9, 7)) // 100) for n in range(steps + 1)]
    for _ in range(4):
        cut = [ridge[0]]
        for (x, y), (u, v) in itertools.pairwise(ridge):
            cut += [((3 * x + u) // 4, (3 * y + v) // 4), ((x + 3 * u) // 4, (y + 3 * v) // 4)]
        ridge = [*cut, ridge[-1]]
    sheet.pen.polygon([*ridge, (width, height), (0, height)], fill=colour)


def _stand(sheet: Sheet, figures: list[tuple[str, Colour]]) -> None:
    """The figures side by side on the ground, in the order of their words."""
    column = sheet.width // len(figures)
    for number, (noun, colour) in enumerate(figures):
        side = min(column * 92 // 100, sheet.height * 62 // 100) * sheet.chance.randrange(84, 101) // 100
        left = number * column + sheet.chance.randrange(max(1, column - side))
        bottom = sheet.height * sheet.chance.randrange(80, 86) // 100
        if noun in FLOATS:
            bottom = max(side, bottom * 62 // 100)
        else:
            shade = (left, bottom - side // 18, left + side, bottom + side // 18)
            sheet.pen.ellipse(shade, fill=_mix(sheet.palette[0], INK, 72))
        _figure(sheet.pen, noun, colour, (left, bottom - side, side), sheet.chance.random() < 0.5)


def _figure(pen: ImageDraw.ImageDraw, noun: str, main: Colour, box: tuple[int, int, int], mirrored: bool) -> None:
    left, top, side = box
    colours = {"m": main, "d": _mix(main, INK, 38), "l": _mix(main, WHITE, 55), **FIXED}
    for part in FIGURES[noun].split("|"):
        kind, *pairs = part.split()
        points = [(int(x), int(y)) for x, y in (pair.split(",") for pair in pairs)]
        placed = [(left + side * (100 - x if mirrored else x) // 100, top + side * y // 100) for x, y in points]
        _part(pen, kind, placed, colours[kind[0]], side // 40)


def _part(pen: ImageDraw.ImageDraw, kind: str, points: list[tuple[int, int]], colour: Colour, corner: int) -> None:
    if len(points) > 2:
        pen.polygon(points, fill=colour)
        return
    (x, y), (u, v) = points
    box = (min(x, u), y, max(x, u), v)  # mirrored, the first point is the right one
    if kind.endswith("r"):
        pen.rounded_rectangle(box, corner, fill=colour)
    else:
        pen.ellipse(box, fill=colour)


def _blocks(sheet: Sheet) -> None:
    """No noun known: a row of stones and discs in the palette."""
    chance, ground = sheet.chance, sheet.height * 84 // 100
    count = chance.randrange(4, 8)
    for number in range(count):
        colour = _mix(sheet.palette[number % len(sheet.palette)], chance.choice((INK, WHITE)), chance.randrange(0, 34))
        wide = sheet.width * chance.randrange(55, 100) // (count * 100)
        high = sheet.height * chance.randrange(12, 44) // 100
        x = sheet.width * number // count + (sheet.width // count - wide) // 2
        if chance.random() < 0.35:
            sheet.pen.ellipse((x, ground - wide, x + wide, ground), fill=colour)
        else:
            sheet.pen.rounded_rectangle((x, ground - high, x + wide, ground), min(wide, high) // 3, fill=colour)


def _caption(picture: Image.Image, prompt: str, ends: Sequence[str]) -> None:
    """`ends`: what stands at the right, the first that leaves half of the strip."""
    width, height = picture.size
    strip = max(12, min(height // 9, width // 14))
    font = ImageFont.load_default(strip * 58 // 100)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, height - strip, width, height), fill=INK)
    middle, margin = height - strip // 2, strip // 3
    for end in ends:
        taken = int(pen.textlength(end, font)) + 2 * margin
        if taken * 2 < width:
            pen.text((width - margin, middle), end, _mix(INK, WHITE, 62), font, anchor="rm")
            width -= taken
            break
    pen.text((margin, middle), _shortened(prompt, width - 2 * margin, pen, font), WHITE, font, anchor="lm")


def _shortened(
    prompt: str, most: int, pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> str:
    """As much of the prompt, on one line, as fits `most` pixels."""
    line = " ".join(prompt.split())
    text = _plain(line[:400])
    if len(line) == len(text) and pen.textlength(text, font) <= most:
        return text
    while text and pen.textlength(text + "…", font) > most:
        text = text[: min(len(text) - 1, len(text) * 9 // 10)] if len(text) > 40 else text[:-1]
    return text.rstrip() + "…"


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
