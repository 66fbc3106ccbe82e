"""Makes `tests/data/old_home/`: a home as the program of commit 0ee9b53 left it, and what that program says of it.

In a checkout of that commit, with its `.venv` made:

    .venv/bin/python PATH/tests/data/old/make_home.py

home.tar.gz is the folder; bought.jsonl is the emulator's book, as if all had been accepted long ago; answers.json is
what the reading commands say, with HOME for the folder's path, which `root` tells: old tickets name it.
"""

from __future__ import annotations

import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from program import OldProgram, Provider, commit

OUT = Path(__file__).resolve().parents[1] / "old_home"
WHY = ("dear.yaml", "cars.yaml", "failed.yaml", "doubtful.yaml", "wrong.yaml", "nowhere.yaml")
NAMES = ("cars", "boats", "chain", "clone", "rehearsed", "dear", "proof", "failed", "away", "doubtful", "flying")


def order(prompt: str, model: str = "flux-schnell", provider: str = "replicate", **keys: Any) -> dict[str, Any]:
    parameters = {"prompt": prompt, **keys.pop("parameters", {})}
    return {"provider": provider, "model": model, "warnings": "ok", **keys, "parameters": parameters}


def fill(home: OldProgram) -> None:
    """The last thing that happens is a ticket; then the program is gone."""
    size = {"id": "size", "provider": "local", "model": "resize", "parameters": {"width": [12, 8]}}
    oil = {"id": "oil", "provider": "replicate", "model": "flux-dev", "keep": False, "parameters": {"prompt": "in oil"}}
    home.make("cars", order("A [red,blue] car", seed=7, project="summer", tags=["fast"]))
    home.make("boats", order("A [white,black] boat", "sketch", "local", parameters={"width": 64, "height": 64}))
    home.make("chain", order("A green car", then=[oil, size]))
    home.make("clone", order("A [red,blue] car", seed=7, name="clone"))
    home.make("rehearsed", order("A [pink,grey] car", rehearse=True, parameters={"aspect_ratio": "1:1"}))
    home.make("dear", order("A [red,blue] kite", budget=0.001))
    home.make("proof", order("A [red,blue] house", proof=1))
    home.make("failed", order("A brown EMU:fail car"))
    home.make("wrong", {"provider": "replicate", "model": "flux-schnell", "parameters": {"promt": "A car"}})
    home.replicate.control(create=["ok", "402"])
    home.make("away", order("A [yellow,purple] car"))
    home.call("cancel", "away")
    home.call("resume", "replicate")
    red, blue = home.products("cars")
    home.call("like", str(red))
    home.call("tag", str(blue), "+shiny", "-fast")
    home.replicate.control(list="403")
    home.make("doubtful", order("A grey bus"), fault="after_submit")
    home.once()
    home.make("flying", order("A red bus"), fault="recorded_ticket")


def pack(root: Path) -> None:
    """Without the room that the ledger keeps aside (it is made again), and without who made it."""

    def told(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        return None if info.name.endswith("/.aside") else info

    with tarfile.open(OUT / "home.tar.gz", "w:gz", compresslevel=9) as archive:
        archive.add(root, "home", filter=told)


def answers(home: OldProgram) -> dict[str, Any]:
    products = [str(path.relative_to(home.root)) for path in (*home.products("cars"), *home.products("chain"))]
    return {
        "orders": home.ask("orders"),
        "order": {name: home.ask("order", name) for name in NAMES},
        "products": home.ask("products"),
        "spend": home.ask("spend"),
        "why": {name: home.ask("why", name) for name in WHY},
        "explain": {name: home.ask("explain", str(home.root / name)) for name in products},
    }


def long_ago(book: Path) -> str:
    """What was accepted has come to its end, whenever it is asked."""
    entries = [json.loads(line) for line in book.read_text().splitlines()]
    for entry in entries:
        entry["create"]["accepted"] = 0.0
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder, "bought.jsonl")
        replicate = Provider("replicate", book)
        try:
            home = OldProgram(Path(folder, "home"), replicate)
            fill(home)
            pack(home.root)
            said = json.dumps(answers(home), ensure_ascii=False).replace(str(home.root), "HOME")
            told = {"commit": commit(), "root": str(home.root), **json.loads(said)}
        finally:
            replicate.close()
        (OUT / "answers.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
        (OUT / "bought.jsonl").write_text(long_ago(book))


if __name__ == "__main__":
    main()
