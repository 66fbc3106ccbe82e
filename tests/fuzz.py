"""Order files that nobody would write, read one after the other: each is understood or refused, in words.

    make fuzz SECONDS=60 SEED=7    what ends in anything but a Refusal is printed with the file that did it

A file is an example of ours with some of it exchanged: values by odd ones, keys by others, bytes by noise. What an
order borrows (template, lookup, model, table, sidecar) is spoiled in the same way.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from artfactoryd.clock import now
from artfactoryd.core.expansion.resolved import written_out
from artfactoryd.errors import Refusal
from artfactoryd.home import Home
from artfactoryd.planning.origin import Origin
from artfactoryd.planning.planner import Scholar
from artfactoryd.settings import Settings

MOST_MADE, MOST_PLANNED = 7, 500  # items of each order that are made, of those that have no more
EXAMPLES = Path(__file__).parents[1] / "examples"
SKETCH: dict[str, Any] = {"provider": "local", "model": "sketch", "parameters": {"prompt": "a [red,blue] car"}}
WHOLE: dict[str, Any] = {
    **SKETCH, "template": ["noir"], "project": "cars", "name": "x", "seed": 7, "budget": 1.5, "tags": ["a"],
    "cases": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], "exclude": [{"a": 1}], "lookups": {"hue": ["red", "blue"]},
    "count": 2, "limit": 3, "proof": 1, "file": "{n}-{slug}", "priority": 3, "notes": "n", "sample": 2,
    "models": [{"provider": "local", "model": "sketch"}], "price": {"usd": 0.01, "per": "image"}, "reuse": "never",
    "then": [{"provider": "local", "model": "resize", "parameters": {"width": 32}}], "rehearse": True, "keep": "last",
    "parameters": {"prompt": "a [hue] __hue__ [2$red,{blue|green}] $a", "width": "64..128..64", "height": [64, 128]},
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**30, -(10**30), 0.1, 1e308, float("inf"), float("-inf"), float("nan"), "", " ",
    "\0", "\ud800", "\u202e", "é" * 300, "x" * 5000, "[", "]", "[,]", "[a,b", "{a|b", "__", "__hue__", "$", "${",
    "1..", "1..2..0", "0..1e9", "1..5..1", "1e400..2", "999999999999x", "product:", "products: (", "https://[",
    "https://a..b/x.png", "env:", "file:///etc/passwd", "*" * 30, "../x", "/", "a/b", ".", "..", "{slug", "{n:99999}",
    "07", "1_000", "0x10", "2026-02-30", "<<", "&a", "*a", "!raw x", [], [[]], [[[]]], [None], [{}], {}, {"": None},
    {"a": {}}, {"usd": "x"}, {1: 2}, {None: 1}, {True: []}, [1, "a", None, {}], ["a"] * 300, {"per": []}, "noir", "1,2",
)  # fmt: skip


@dataclass(frozen=True)
class Defect:
    """A file that ended in what no person can do anything about."""

    data: bytes
    error: Exception

    def __str__(self) -> str:
        words = "".join(traceback.format_exception(self.error)[-4:])
        return f"{words}--- of this file:\n{self.data[:2000]!r}\n"


class Reader:
    """Reads in a home of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._home = Home(folder)
        self._home.make()
        for name in ("templates", "lookups", "models"):
            (self._home.library / name).mkdir(exist_ok=True)
        self._beside = folder / "beside"
        self._beside.mkdir()
        self.borrow(dict(BORROWED))
        self._scholar = Scholar(self._home, Settings(), None, now)  # one for all: it reads the catalogue only once

    def borrow(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            path = self._beside / name[7:] if name.startswith("beside/") else self._home.library / name
            path.write_bytes(data)

    def read(self, data: bytes) -> Exception | None:
        """What it ended in, when that is neither an understanding nor a refusal."""
        try:
            for study in self._scholar.study(data, Origin("x.yaml", "x", folder=self._beside, kept=self._beside)):
                if study.plan.total_items > MOST_PLANNED:
                    continue
                made = list(islice(study.plan.items(), MOST_MADE))
                assert len(made) == min(MOST_MADE, study.plan.total_items) and study.plan.base(len(made)) is not None
                written_out(study.plan, {})
        except Refusal:
            pass
        except Exception as error:
            return error
        return None


PICTURE = bytes.fromhex(  # of one pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c636000000002000148afa471"
    "0000000049454e44ae426082"
)
BORROWED = {
    "templates/noir.yaml": b"parameters: {steps: 4}\nnotes: dark\n",
    "lookups/hue.txt": b"red\nblue\n",
    "models/film.yaml": (
        b"provider: replicate\nmodel: acme/film\nschema: {properties: {prompt: {type: string}, shots: {type: array, "
        b"items: {properties: {prompt: {type: string, maxLength: 40}, face: {type: string, format: uri}}}}}}\n"
    ),
    "beside/rows.csv": b"a,b\n1,2\n3,4\n",
    "beside/b.png": PICTURE,
    "beside/a.png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 60),
}


def seeds() -> list[Any]:
    """What files are made of: values of whole files."""
    examples = [path.read_text() for path in sorted(EXAMPLES.glob("*.yaml"))]
    plain = [value for text in examples if "!" not in text for value in yaml.safe_load_all(text) if value]
    film = {"provider": "replicate", "model": "acme/film", "cases": [{"a": "1"}], "lookups": {"hue": ["red", "blue"]}}
    shots = [{"prompt": "a [hue] {x|y} \\[", "face": "b.png"}, {"prompt": "[=a] [~1,2] [3,4:1] __hue__", "odd": []}]
    nested = {**film, "parameters": {"prompt": "[=hue] || [x,y]", "shots": shots}, "exclude": [{"shots": shots}]}
    few = [{"template": "noir"}, {"template": ["noir"], "parameters": {}}, {"models": []}, {"parameters": {}}]
    return [SKETCH, WHOLE, {**WHOLE, "cases": "rows.csv", "rehearse": False}, nested, nested, *few, *plain]


def files(chance: random.Random) -> Iterator[bytes]:
    """Without end."""
    known = seeds()
    while True:
        yield _file(chance, known)


def _file(chance: random.Random, known: Sequence[Any]) -> bytes:
    value = deepcopy(chance.choice(known))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        value = _spoiled(chance, value)
    data = _written(chance, value)
    return _noise(chance, data) if chance.random() < 0.15 else data


def _spoiled(chance: random.Random, value: Any) -> Any:
    """Somewhere in it something odd."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        match chance.randrange(20):
            case 0 | 1:
                return {**value, chance.choice(list(WHOLE)): chance.choice(ODD)}
            case 2 | 3 | 4:
                return {name: inner for name, inner in value.items() if name != key}
            case 5:
                return {**value, chance.choice(ODD[:10]): value[key], str(chance.choice(ODD)): 1}
        return {**value, key: _spoiled(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.5:
        place = chance.randrange(len(value))
        return [*value[:place], _spoiled(chance, value[place]), *value[place + 1 :]]
    if isinstance(value, str) and chance.random() < 0.4:
        odd = str(chance.choice(ODD))
        place = chance.randrange(len(value) + 1)
        return value[:place] + odd + value[place:]
    return deepcopy(chance.choice(ODD))


def _written(chance: random.Random, value: Any) -> bytes:
    if chance.random() < 0.3:
        return json.dumps(_plain_keys(value)).encode()
    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False)
    return text.encode("utf-8", "surrogatepass")


def _plain_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain_keys(inner) for key, inner in value.items()}
    return [_plain_keys(inner) for inner in value] if isinstance(value, list) else value


def _noise(chance: random.Random, data: bytes) -> bytes:
    place = chance.randrange(len(data) + 1)
    noise = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 4)))
    kind = chance.randrange(3)
    if kind == 0:
        return data[:place]
    return data[:place] + noise + data[place + (len(noise) if kind == 1 else 0) :]


def defects(folder: Path, seconds: float, seed: int) -> Iterator[Defect | int]:
    """Each defect as it is met; at last how many files were read."""
    chance = random.Random(seed)
    reader, until, count = Reader(folder), time.monotonic() + seconds, 0
    for data in files(chance):
        if time.monotonic() > until:
            break
        borrowed = [name for name in BORROWED if chance.random() < 0.1]
        reader.borrow({name: _noise(chance, BORROWED[name]) for name in borrowed})
        error = reader.read(data)
        reader.borrow({name: BORROWED[name] for name in borrowed})
        count += 1
        if error is not None:
            yield Defect(data, error)
    yield count


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = options.parse_args()
    print(f"seed {given.seed}")
    met: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for outcome in defects(Path(folder) / "home", given.seconds, given.seed):
            if isinstance(outcome, int):
                print(f"{outcome} files read, {len(met)} kinds of defects")
            else:
                frame = traceback.extract_tb(outcome.error.__traceback__)[-1]
                kind = f"{type(outcome.error).__name__} {frame.filename}:{frame.lineno}"
                if kind not in met:
                    met.add(kind)
                    print(outcome)
    raise SystemExit(1 if met else 0)


if __name__ == "__main__":
    main()
