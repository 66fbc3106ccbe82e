"""What a person drops and commands, by chance. No two things that are dropped have one name."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from artfactoryd import documents
from artfactoryd.daemon import mailbox
from artfactoryd.durable import write_file

COLOURS = ("red", "blue", "green", "white")
Entry = str | bytes | Mapping[str, bytes]  # a file, or a folder of files


@dataclass
class Person:
    """`names`: everything ever put into the inbox, and what kind of thing it was."""

    inbox: Path
    chance: random.Random

    def __post_init__(self) -> None:
        self.names: dict[str, str] = {}
        self._number = 0

    def drop(self, kind: str | None = None) -> None:
        kind = kind or self.chance.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
        self._number += 1
        for name, entry in KINDS[kind][1](self.chance, self._number).items():
            self.names[name] = kind
            self._put(name, entry)

    def _put(self, name: str, entry: Entry) -> None:
        """Under a hidden name first, as a browser or a sync tool does it."""
        hidden = self.inbox / f".{name}.part"
        if isinstance(entry, Mapping):
            hidden.mkdir()
            for inside, data in entry.items():
                (hidden / inside).write_bytes(data)
        else:
            hidden.write_bytes(entry.encode() if isinstance(entry, str) else entry)
        hidden.rename(self.inbox / name)


def order(model: str, parameters: dict[str, Any], **keys: Any) -> str:
    provider = "local" if model in ("sketch", "resize") else "replicate"
    return documents.dump_yaml({"provider": provider, "model": model, **keys, "parameters": parameters})


def _prompt(chance: random.Random, number: int) -> str:
    """`number` makes every call of every order another one, so that each create can be told apart."""
    return f"soak {number} a [{','.join(chance.sample(COLOURS, chance.choice([1, 2, 2, 3]) + 1))}] car"


def _paid_text(chance: random.Random, number: int, **keys: Any) -> str:
    parameters = {"prompt": _prompt(chance, number), "num_outputs": chance.choice([1, 1, 2, 3])}
    priority = chance.choice([0, 0, 5])
    return order("flux-schnell", parameters, project=f"p{number % 5}", priority=priority, **keys)


def _paid(chance: random.Random, number: int) -> dict[str, Entry]:
    return {f"paid-{number}.yaml": _paid_text(chance, number)}


def _pair(chance: random.Random, number: int) -> dict[str, Entry]:
    return {f"pair-{number}.yaml": f"{_paid_text(chance, number)}---\n{_paid_text(chance, number, seed=9)}"}


def _dear(chance: random.Random, number: int) -> dict[str, Entry]:
    return {f"dear-{number}.yaml": _paid_text(chance, number, budget=0.001)}


def _free(chance: random.Random, number: int) -> dict[str, Entry]:
    parameters = {"prompt": _prompt(chance, number), "width": 64, "height": 64}
    return {f"free-{number}.yaml": order("sketch", parameters)}


def _rehearsed(chance: random.Random, number: int) -> dict[str, Entry]:
    return {f"rehearsed-{number}.yaml": _paid_text(chance, number, rehearse=True)}


def _wrong(chance: random.Random, number: int) -> dict[str, Entry]:
    return {f"wrong-{number}.yaml": order("flux-schnell", {"promt": "x"})}


def _stray(chance: random.Random, number: int) -> dict[str, Entry]:
    return {f"stray-{number}.txt": "not an order"}


def _bundle(chance: random.Random, number: int) -> dict[str, Entry]:
    text = order("flux-dev", {"prompt": f"soak {number}", "image": "a.png"})
    return {f"bundle-{number}": {"order.yaml": text.encode(), "a.png": _picture(chance)}}


def _loose(chance: random.Random, number: int) -> dict[str, Entry]:
    picture = f"loose-{number}.png"
    return {
        picture: _picture(chance),
        f"loose-{number}.yaml": order("resize", {"image": picture, "width": "16,8"}),
    }


def _picture(chance: random.Random) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (24, 16), tuple(chance.randrange(256) for _ in range(3))).save(file, "PNG")
    return file.getvalue()


def _chain(chance: random.Random, number: int) -> dict[str, Entry]:
    """What the dear stage makes is not kept: only the sizes of it are."""
    fine = {"provider": "replicate", "model": "flux-dev", "keep": False}
    fine["parameters"] = {"prompt": f"soak {number} in oil", "prompt_strength": 0.5}
    size = {"provider": "local", "model": "resize", "parameters": {"width": [16, 8]}}
    return {f"chain-{number}.yaml": _paid_text(chance, number, then=[fine, size])}


def _timed(chance: random.Random, number: int) -> dict[str, Entry]:
    """Of a model paid by the second, which counts by what the provider tells."""
    return {f"timed-{number}.yaml": order("sdxl", {"prompt": _prompt(chance, number)})}


Maker = Callable[[random.Random, int], dict[str, Entry]]
KINDS: dict[str, tuple[int, Maker]] = {  # how often, and how it is made
    "paid": (60, _paid), "pair": (8, _pair), "dear": (8, _dear), "free": (6, _free), "rehearsed": (3, _rehearsed),
    "wrong": (3, _wrong), "stray": (3, _stray), "bundle": (12, _bundle), "loose": (4, _loose),
    "chain": (6, _chain), "timed": (8, _timed),
}  # fmt: skip


def command(folder: Path, name: str, **fields: Any) -> dict[str, Any]:
    """As `artfactoryd NAME` hands it to the daemon."""
    asked = mailbox.command(name, **fields)
    hand_in(folder, asked)
    return asked


def hand_in(folder: Path, asked: dict[str, Any]) -> None:
    write_file(folder / f"{asked['id']}.json", json.dumps(asked).encode())
