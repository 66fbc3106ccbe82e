"""A home with many products for the benchmarks: one is really made, and its papers are repeated for all the others.

Ledger, sidecars and pictures are as if the program had made each of them; the orders are really accepted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uuid_utils

from artfactoryd import documents
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.home import Home
from artfactoryd.shelf.sidecars import product_of
from artfactoryd.storage import ledger
from artfactoryd.storage.index import Index

OF_AN_ORDER = 1000
PLENTY = dict.fromkeys(("per_order", "per_day", "per_month", "ask_above"), 1_000_000)
Papers = dict[str, Any]


def furnished(folder: str, products: int) -> Home:
    """A home whose ledger and shelf tell of so many products (in thousands)."""
    home = Home(Path(folder).resolve() / "home")
    for _ in make_home(home):
        pass
    settings = {"inbox": {"settle_seconds": 0.05}, "limits": {"products_per_order": OF_AN_ORDER}, "budget": PLENTY}
    home.settings_file.write_text(documents.dump_yaml(settings))
    drop(home, "model", 1)
    call(home, "once")
    model = lines_of_one(home)
    call(home, "pause")
    for number in range(products // OF_AN_ORDER):
        drop(home, f"many{number}", OF_AN_ORDER)
    call(home, "once")
    call(home, "resume")  # a wish is not legal while everything is paused
    make_all(home, model)
    return home


def drop(home: Home, name: str, items: int) -> None:
    ways = " ".join(f"[{','.join(f'{letter}{n}' for n in range(10))}]" for letter in "abc"[: len(str(items)) - 1])
    parameters = {"prompt": f"a car of {name}, seen from above {ways}", "width": 64, "height": 64}
    order = {"provider": "local", "model": "sketch", "project": "Bench", "parameters": parameters}
    (home.inbox / f"{name}.yaml").write_text(documents.dump_yaml(order))


def call(home: Home, *words: str) -> str:
    program = [sys.executable, "-m", "artfactoryd", "--home", str(home.root), *words]
    done = subprocess.run(program, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return done.stdout


def lines_of_one(home: Home) -> list[Papers]:
    """What the ledger says of the one that was made: wish, ticket, result, settlement."""
    return [line for line, _ in ledger.read(home.ledger) if "attempt" in line]


def make_all(home: Home, model: list[Papers]) -> None:
    card_file = next(home.projects.rglob("*.png.json"))
    card, picture = json.loads(card_file.read_bytes()), product_of(card_file).read_bytes()
    with Index.reading(home.index_file) as index, open(sorted(home.ledger.glob("*.jsonl"))[-1], "ab") as book:
        assert index is not None
        for order in index.orders():
            if order.name == "model":
                continue
            folder = home.root / str(order.folder)
            (folder / "sidecars").mkdir(exist_ok=True)
            for item in index.items(order.id):
                made = {"order": order.id, "item": item.number, "attempt": str(uuid_utils.uuid7())}
                product, name = str(uuid_utils.uuid7()), f"{item.number:04d}-a-car-{item.number:08x}.png"
                (folder / name).write_bytes(picture)
                told = json.dumps(sidecar(card, order, item, product, name), indent=2)
                (folder / "sidecars" / f"{name}.json").write_text(told)
                path = f"{order.folder}/{name}"
                for line in lines(model, made, item.generation, product, path, item.first_index):
                    book.write(ledger.encode([line]))
        os.fsync(book.fileno())


def sidecar(card: Papers, order: Any, item: Any, product: str, name: str) -> Papers:
    return {
        **card, "id": product, "file": {**card["file"], "name": name, "index": item.first_index},
        "order": {**card["order"], "id": order.id, "name": order.name},
        "item": {**card["item"], "index": item.number, "seed": item.seed, "key": item.key},
        "parameters": {**card["parameters"], "generation": item.generation, "actual": item.generation},
    }  # fmt: skip


def lines(model: list[Papers], made: Papers, sent: Papers, product: str, path: str, place: int) -> Iterator[Papers]:
    for line in model:
        own = {**line, **made}
        if line["kind"] == "wish":
            own["actual"] = sent
        if line["kind"] == "result":
            own["outputs"] = [{**line["outputs"][0], "id": product, "index": place}]
        if line["kind"] == "settlement":
            own["products"] = [{**line["products"][0], "id": product, "index": place, "path": path}]
        yield own
