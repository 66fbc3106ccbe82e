"""`order.resolved.yaml`, dropped with its inputs/ into another home, makes the same items there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.core.expansion.resolved import written_out
from artfactoryd.storage.rows import OrderRow
from tests.homes import TestHome
from tests.orders import model, plan
from tests.pictures import draw, with_editor
from tests.works import Works, at_work, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
TEMPLATE = """
parameters:
  prompt: "a [hue] \\\\[real\\\\] car [~one,two]"
  image: Library/faces/*.png
raw: []
"""
ORDER = """
provider: fake
model: editor
template: base
project: cars
parameters:
  mask: "products: project:masks"
count: 2
sample: 5
exclude:
  - {mask: "products: project:masks red"}
"""


def items_of(works: Works, order_id: str) -> list[dict[str, Any]]:
    """What is sent, with each picture by its bytes."""
    bytes_of = {each["value"]: each["sha256"] for each in works.order(order_id).inputs}
    return [
        {"seed": item.seed, "copy": item.copy, "asked": item.asked, **{
            name: bytes_of.get(value, value) for name, value in item.generation.items()
        }}
        for item in works.items(order_id)
    ]  # fmt: skip


async def made_anew(folder: Path, home: TestHome, monkeypatch: Patch) -> tuple[list[dict[str, Any]], OrderRow]:
    """In a home whose Library has nothing but the model: the items of the resolved order, and the order."""
    hidden = home.home.inbox / ".cars"
    hidden.mkdir()
    shutil.copyfile(folder / "order.resolved.yaml", hidden / "order.yaml")
    shutil.copytree(folder / "inputs", hidden / "inputs")
    async with at_work(with_editor(home), monkeypatch) as works:
        hidden.rename(home.home.inbox / "cars")
        await works.until(works.house.books.index.orders)
        made = works.house.books.index.orders()[0]
        await works.until(lambda: works.items(made.id))
        await works.rests()
        return items_of(works, made.id), works.order(made.id)


async def test_the_resolved_order_makes_the_same_items_in_another_home(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    for colour in ("red", "green"):
        draw(home.home.library / "faces" / f"{colour}.png", colour)
    files = {"lookups/hue.yaml": "[crimson, __cool/*__]", "lookups/cool/a.txt": "teal\n{teal|crimson} # mine"}
    for name, text in {"templates/base.yaml": TEMPLATE, **files}.items():
        (home.home.library / name).parent.mkdir(parents=True, exist_ok=True)
        (home.home.library / name).write_text(text)
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.make('{provider: fake, model: painter, project: masks, parameters: {prompt: "[red,blue,grey]"}}')
        was = await works.make(ORDER)
        items, row = items_of(works, was), works.order(was)
        assert row.held is None
        folder = works.home.root / (row.folder or "")
    assert len(items) == 10 and {item["prompt"].split()[1] for item in items} <= {"crimson", "teal"}
    comment = (folder / "order.resolved.yaml").read_text().partition("\n")[0]
    assert comment.startswith(f"# Order {was}, accepted ")
    again, copied = await made_anew(folder, TestHome.make(tmp_path / "other"), monkeypatch)
    assert again == items
    assert (copied.name, copied.project, copied.base_seed) == (row.name, "cars", row.base_seed)
    assert all("source" not in each for each in copied.inputs)


def test_a_list_of_no_files_is_written_out_as_it_is() -> None:
    faces = {"type": "array", "items": {"type": "string", "format": "uri"}}
    taker = model(schema={"properties": {"prompt": {"type": "string"}, "faces": faces}})
    assert written_out(plan({"prompt": "x", "faces": []}, taker), {})["parameters"] == {"prompt": "x", "faces": []}
