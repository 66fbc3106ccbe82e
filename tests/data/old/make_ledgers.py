"""Makes `tests/data/ledger/`: every kind of line that the program of commit 0ee9b53 writes, and the rows of its index.

In a checkout of that commit, with its `.venv` made:

    .venv/bin/python PATH/tests/data/old/make_ledgers.py [NAME...]

Each scene is a home of its own. Its ledger is kept as NAME.jsonl. The rows are what `reindex` makes of this ledger
alone, in an empty home: NAME.json. Still older lines, of the days before stages, caps of a day or pictures, are
written by `make_ledgers.py early` in a checkout of an earlier commit, as early-COMMIT.jsonl; their rows are made at
0ee9b53 like the others. `looks`, of what turned out to be damaged, is of the first release that tells of it, made by
its own tests; its rows are that release's.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from program import OldProgram, Provider, commit, tables

OUT = Path(__file__).resolve().parents[1] / "ledger"
SCHNELL, DEV = "flux-schnell", "flux-dev"
SMALL = {"width": 64, "height": 64}


def order(prompt: str | list[str], model: str = SCHNELL, provider: str = "replicate", **keys: Any) -> dict[str, Any]:
    parameters = {"prompt": prompt, **keys.pop("parameters", {})}
    return {"provider": provider, "model": model, "warnings": "ok", **keys, "parameters": parameters}


def approve_by_drop(home: OldProgram, name: str) -> None:
    """As a person does in a file manager."""
    (home.root / "Held" / f"{name}.yaml").rename(home.root / "Inbox" / f"{name}.yaml")
    home.once()


def in_git(file: Path) -> None:
    """An order file that is under version control."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for words in (["init", "--quiet"], ["add", file.name], [*who, "commit", "--quiet", "--message", "An order."]):
        subprocess.run(["git", *words], cwd=file.parent, check=True)


# --- scenes ---


def orders(home: OldProgram) -> None:
    """Completed ones: batches, several models, a template and a lookup, pictures, submitted, rehearsed, free."""
    home.make("cars", order("A [red,blue] car", parameters={"num_outputs": 2}, seed=7, tags=["fast"], notes="ünïcode"))
    duel = {key: value for key, value in order("A [green,grey] kite").items() if key not in ("provider", "model")}
    duel["models"] = [{"provider": "replicate", "model": SCHNELL}, {"provider": "replicate", "model": DEV}]
    home.make("duel", {**duel, "project": "duels"})
    template = {"provider": "replicate", "model": SCHNELL, "tags": ["poster"]}
    (home.root / "Library/templates").mkdir(exist_ok=True)
    (home.root / "Library/templates/poster.yaml").write_text(json.dumps(template))
    (home.root / "Library/lookups").mkdir(exist_ok=True)
    (home.root / "Library/lookups/skies.txt").write_text("at dawn\nat night\n")
    home.make("poster", {"template": "poster", "parameters": {"prompt": "A harbour [skies]"}})
    picture = home.products("cars")[0]
    (home.root / "Inbox/photo").mkdir()
    (home.root / "Inbox/photo/beach.webp").write_bytes(picture.read_bytes())
    edited = order("at night", DEV, parameters={"image": "beach.webp"})
    (home.root / "Inbox/photo/order.yaml").write_text(json.dumps(edited))
    home.once()
    resized = {"image": "products: order:cars", "width": 8}
    home.make("small", {"provider": "local", "model": "resize", "parameters": resized})
    file = home.root.parent / "sent.yaml"
    file.write_text(json.dumps(order("A yellow car", DEV, priority=5, file="{index:02d}.{ext}")))
    in_git(file)
    home.call("submit", str(file))
    home.once()
    home.call("submit", "--rehearse", str(file))
    home.once()


def held(home: OldProgram) -> None:
    """Held for each reason; approved by a command, by dropping, refused; proofs; a hold of two documents."""
    home.make("dear", order("A [red,blue] car", budget=0.003))
    home.call("approve", "dear")
    home.once()
    home.make("dropped", order("A green car", budget=0.001))
    approve_by_drop(home, "dropped")
    home.make("away", order("A grey car", budget=0.001))
    home.call("cancel", "away")
    home.make("many", order("A [black,white,pink] car", limit=2), order("A brown car"))
    home.call("approve", home.ask("orders")["orders"][0]["order_id"])
    home.once()
    home.configure(budget={"ask_above": 0.004})
    home.make("ask", order("A [red,blue] lorry"))
    home.configure()
    home.call("approve", "ask")
    home.once()
    home.make("weights", {"provider": "replicate", "model": SCHNELL, "parameters": {"prompt": "A (moon:1.2)"}})
    proof: dict[str, Any] = {"proof": 1, "project": "proofs"}
    home.make("well", order("A [red,blue] boat", **proof))
    home.call("approve", "well")
    home.once()
    home.make("moved", order("A [green,grey] boat", **proof))
    approve_by_drop(home, "moved")
    home.make("unwell", order("A [pink,black] boat", **proof))
    home.call("cancel", "unwell")
    home.call("retry", "unwell")
    home.once()
    home.make("twice", order("A purple car"))
    home.make("twice", order("A purple car"))
    home.call("cancel", home.ask("orders")["orders"][0]["order_id"])


def unpriced(home: OldProgram) -> None:
    """No price is known: approving is not enough, by a command or by dropping."""
    model = {"provider": "replicate", "model": "black-forest-labs/flux-1.1-pro", "aliases": ["mute"],
             "modality": "text-to-image",
             "schema": {"type": "object", "properties": {"prompt": {"type": "string"}}}}  # fmt: skip
    (home.root / "Library/models/mute.yaml").write_text(json.dumps(model))
    home.make("mute", order("A car", "mute"))
    home.call("approve", "mute")
    approve_by_drop(home, "mute")
    home.call("cancel", "mute")


def failures(home: OldProgram) -> None:
    """Ended, refused, passing, lost, and less than asked; what of it is sent again."""
    home.make("ended", order([f"A car EMU:{word}" for word in ("fail", "nsfw", "aborted", "empty")]))
    home.make("passing", order("A pink EMU:interrupted car"))
    home.make("refused", order("A [white,black] EMU:422 car"))
    home.make("lost", order(["A brown EMU:out-404 car", "A red EMU:out-not-picture car"]))
    home.make("fewer", order("A yellow EMU:fewer car", parameters={"num_outputs": 2}))
    for name in ("ended", "refused"):
        home.call("retry", name)
        home.once()
    home.call("retry", "lost")
    home.call("retry", "lost", "--in-doubt")
    home.once()


def cancelled(home: OldProgram) -> None:
    """While it runs, while it waits, and before its rows are there."""
    home.drop("running", order("A [red,blue,green] EMU:run=600 car"))
    with home.running():
        home.wait_for("ticket")
        home.call("cancel", "running")
        home.wait_for("failure", verdict="cancelled")
    home.call("retry", "running")
    home.call("cancel", "running")
    home.make("early", order("A [grey,pink] car"), fault="order_accepted")
    home.call("cancel", "early")
    home.once()
    home.drop("quick", order("A brown EMU:run=2 car"))
    with home.running():
        home.wait_for("ticket", count=2)
        home.replicate.control(cancel="500")
        home.call("cancel", "quick")
        home.wait_for("settlement")
    home.replicate.calm()


def doubts(home: OldProgram) -> None:
    """Nobody knows whether it was bought: found, found after a cancel, found late, not bought, and never told."""
    replicate = home.replicate
    home.make("found", order("A red EMU:close-after car"))
    replicate.control(list="403")
    home.make("lasting", order("A blue car"), fault="after_submit")
    home.make("never", order("A grey car"), fault="before_submit")
    home.make("gone", order("A green EMU:500-after car"))
    home.make("late", order("A pink car"), fault="after_submit")
    home.once()
    home.call("cancel", "gone")
    home.call("retry", "lasting")
    home.call("retry", "late", "--in-doubt")
    home.once()
    home.call("pause", "replicate")
    home.call("retry", "lasting", "--in-doubt")
    replicate.calm()
    with home.running():
        home.wait_for("ticket", count=5)
        home.wait_for("release")
    home.call("resume", "replicate")
    home.once()
    replicate.control(list="403")
    home.make("open", order("A brown car"), fault="after_submit")
    home.once()
    replicate.calm()


def stops(home: OldProgram) -> None:
    """Pauses of an order, a provider and everything; a provider without money, with a bad key, that throttles."""
    replicate = home.replicate
    home.call("pause")
    home.make("cars", order("A [red,blue] car"))
    home.call("pause", "cars")
    home.call("pause", "replicate")
    home.call("resume", "replicate")
    home.call("resume", "cars")
    home.call("pause", "cars")
    home.call("resume")
    home.once()
    replicate.control(create="402")
    home.make("poor", order("A green car"))
    replicate.calm()
    home.call("resume")
    home.once()
    home.configure(providers={"replicate": {"base_url": replicate.address, "concurrency": 2}})
    replicate.control(create=["ok", "401"])
    home.make("key", order(["A grey EMU:run=4 car", "A white car"]))
    assert [line for line in home.lines("pause") if line.get("by") == "answer"]
    home.configure()
    replicate.control(create=[{"do": "429", "retry_after": 1}])
    home.make("throttled", order("A white car"))
    replicate.control(create=["close-before", "close-before"])
    home.drop("leaving", order("A [pink,brown] car"))
    replicate.calm()
    home.once()


def stages(home: OldProgram) -> None:
    """Fed with what was shelved, liked or only sent on; parents that fail; marks; sent again with what feeds them."""
    chain: dict[str, Any] = {
        "then": [
            {"id": "oil", "provider": "replicate", "model": DEV, "wait": "liked", "keep": False,
             "parameters": {"prompt": "in oil"}},
            {"id": "size", "provider": "local", "model": "resize", "parameters": {"width": [12, 8]}},
            {"id": "web", "provider": "local", "model": "convert", "after": "oil", "parameters": {"format": "webp"}},
        ]
    }  # fmt: skip
    home.make("cars", order(["A red car", "A blue car", "A green EMU:fail car"], tags=["fast"], **chain))
    red, blue = home.products("cars")[:2]
    home.call("like", str(red))
    home.once()
    home.call("like", "--off", str(red))
    home.call("tag", str(blue), "+shiny", "-fast", "+ü x")
    home.call("like", str(red), str(blue))
    home.once()
    home.call("retry", "cars")
    home.once()
    late: dict[str, Any] = {
        "then": [{"id": "size", "provider": "local", "model": "resize", "parameters": {"width": 8}}]
    }
    home.make("again", order(["A pink EMU:fail car", "A grey car"], **late))
    home.call("cancel", "again")
    home.call("retry", "again")
    home.once()


def reuse(home: OldProgram) -> None:
    """Copied from the shelf, waited for, sent on without its bytes; what was bought and is gone."""
    home.make("cars", order("A [red,blue] car", seed=7))
    home.make("clone", order("A [red,blue] car", seed=7, name="clone"))
    home.make("same", order("A pink car", seed=3), order("A pink car", seed=3, name="twin"))
    oil = {"id": "oil", "provider": "replicate", "model": DEV, "keep": False, "parameters": {"prompt": "in oil"}}
    size = {"id": "size", "provider": "local", "model": "resize", "parameters": {"width": 8}}
    spent: dict[str, Any] = {"then": [{**oil, "parameters": {"prompt": "in oil", "seed": 2}}, size]}
    home.make("sent", order("A grey car", seed=5, **spent))
    home.make("resent", order("A grey car", seed=5, name="resent", **spent))
    home.make("gone", order("A green car", seed=9))
    home.call("pause", "replicate")
    home.drop("buried", order("A green car", seed=9, name="buried"))
    home.once()
    for path in home.products("gone"):
        path.unlink()
    home.call("resume", "replicate")
    home.once()
    home.call("retry", "buried")
    home.once()
    home.make("asked", order("A [green,white] car", seed=9, name="asked"))
    for name in ("gone", "buried", "asked"):
        for path in home.products(name):
            path.unlink()
    home.make("deleted", order("A [green,white] car", seed=9, name="deleted"))
    home.call("approve", "deleted")
    home.once()
    home.make("torn", order("A yellow car", seed=4))
    home.make("half", order("A yellow car", seed=4, name="half"), fault="recorded_reuse")
    for path in home.products("torn"):
        path.unlink()
    home.once()


def bills(home: OldProgram) -> None:
    """Paid by the second: the bill is higher than what was set aside, and a person lets the order go on."""
    version = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
    price = {"usd": 0.001, "per": "second", "seconds": 0.05, "as_of": "2026-05-01"}
    schema = {"type": "object", "properties": {"prompt": {"type": "string"}, "seed": {"type": "integer"}}}
    slow = {"provider": "replicate", "model": f"stability-ai/sdxl:{version}", "aliases": ["slow"], "seed": "seed",
            "modality": "text-to-image", "schema": schema, "price": price}  # fmt: skip
    (home.root / "Library/models/slow.yaml").write_text(json.dumps(slow))
    home.make("slow", order("A [red,blue] EMU:run=0.5 car", "slow"))
    home.call("approve", "slow")
    home.once()
    home.configure(budget={"per_day": 0.004})
    home.make("dear", order("A [red,blue,pink] boat"))
    home.configure()
    home.once()


def providers(home: OldProgram) -> None:
    """fal, whose bills go by the megapixel and whose answers differ; the machine's own, which cannot be asked."""
    home.make("fal", order(["A red car", "A blue EMU:fail car"], provider="fal", parameters={"num_images": 2}))
    home.make("lost", order("A green EMU:close-after car", provider="fal"))
    home.make("refused", order("A grey EMU:refused car", provider="fal"))
    sketch = order("A [white,black] car", "sketch", "local", parameters=SMALL)
    home.make("drawn", sketch, fault="recorded_wish")
    home.once()
    home.call("retry", "drawn", "--in-doubt")
    home.once()
    home.make("ready", order("A brown car", "sketch", "local", parameters=SMALL), fault="product_linked")
    home.once()


def restored(home: OldProgram) -> None:
    """Put back from a backup of a moment at which one order was on its way and two were held; one of them is approved.
    Of the first release that tells of it, like its rows."""
    safe = home.root.parent / "safe"
    home.make("dear", order("A [red,blue] car", budget=0.003))
    home.make("late", order("A grey car", budget=0.001))
    home.make("cars", order("A [green,white,pink] car"), fault="recorded_ticket:2")
    home.call("backup", str(safe))
    shutil.rmtree(home.root)
    home.call("restore", str(safe))
    home.once()
    home.call("approve", "cars")
    home.call("approve", "dear")
    home.once()


def arranged(home: OldProgram) -> None:
    """Collected, put into the bin, taken back, and taken away for good. Of the first release that tells of it, like its
    rows."""
    home.make("cars", order("A [red,blue,green] car", "sketch", "local", parameters=SMALL))
    home.call("collect", "red", "best")
    home.call("collect", "car", "all")
    home.call("undo")
    home.call("bin", "red")
    home.call("undo")
    home.call("bin", "blue")
    home.call("bin", "--restore", "blue")
    home.call("bin", "green")
    with closing(sqlite3.connect(home.root / ".artfactory/index.sqlite3")) as index, index:
        index.execute("UPDATE binned SET at = '2020-01-01T00:00:00.000Z'")
    home.once()


def early(home: OldProgram) -> None:
    """What the program could do from its first days on."""
    plain = {"provider": "replicate", "model": SCHNELL}
    home.make("cars", {**plain, "seed": 7, "parameters": {"prompt": "A [red,blue] car", "num_outputs": 2}})
    home.make("dear", {**plain, "budget": 0.001, "parameters": {"prompt": "A green car"}})
    home.call("approve", "dear")
    home.once()
    home.make("ended", {**plain, "parameters": {"prompt": "A grey EMU:fail car"}})
    home.call("retry", "ended")
    home.replicate.control(list="403")
    home.make("lost", {**plain, "parameters": {"prompt": "A pink car"}}, fault="after_submit")
    home.once()
    home.call("retry", "lost", "--in-doubt")
    home.once()
    home.make("doubtful", {**plain, "parameters": {"prompt": "A brown car"}}, fault="before_submit")
    home.once()
    home.make("away", {**plain, "budget": 0.001, "parameters": {"prompt": "A black car"}})
    home.call("cancel", "away")
    home.replicate.control(create="402")
    home.make("poor", {**plain, "parameters": {"prompt": "A white car"}})
    home.replicate.calm()
    home.call("resume", "replicate")
    home.once()


SCENES: tuple[Callable[[OldProgram], None], ...] = (
    orders, held, unpriced, failures, cancelled, doubts, stops, stages, reuse, bills, providers, restored, arranged,
)  # fmt: skip


def keep(home: OldProgram, name: str) -> None:
    refused = [path.read_text() for path in home.root.glob("Rejected/*.txt")]
    assert not refused, refused
    (ledger,) = (home.root / "Ledger").glob("*.jsonl")
    (OUT / f"{name}.jsonl").write_bytes(ledger.read_bytes())


def play(scene: Callable[[OldProgram], None], name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        replicate = Provider("replicate", Path(folder, "r.jsonl"))
        fal = Provider("fal", Path(folder, "f.jsonl")) if scene is providers else None
        try:
            home = OldProgram(Path(folder, name), replicate, fal)
            scene(home)
            keep(home, name)
        finally:
            for provider in filter(None, (replicate, fal)):
                provider.close()


def make_rows(ledger: Path) -> None:
    """What comes of it in a home that has nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        home = OldProgram(Path(folder, ledger.stem))
        text = ledger.read_text()
        file = f"{json.loads(text.splitlines()[0])['at'][:7]}.jsonl"
        (home.root / "Ledger" / file).write_text(text)
        home.call("reindex")
        made = {"commit": commit(), "file": file, "tables": tables(home.root / ".artfactory/index.sqlite3")}
        ledger.with_suffix(".json").write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")


def main(wanted: list[str]) -> None:
    OUT.mkdir(exist_ok=True)
    if wanted == ["early"]:
        return play(early, f"early-{commit()}")
    for scene in SCENES:
        if scene.__name__ in (wanted or scene.__name__):
            play(scene, scene.__name__)
    for ledger in sorted(OUT.glob("*.jsonl")):
        if ledger.stem in (wanted or ledger.stem):
            make_rows(ledger)


if __name__ == "__main__":
    main(sys.argv[1:])
