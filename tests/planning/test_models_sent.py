"""Every model of the collected list is planned, sent and delivered: what it takes by its own schema, and its output in
the shape that was seen, or, where none was, as a text, a list and an object. One house, both emulators, one loop.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from artfactoryd import documents, settings
from artfactoryd.core.model import Model
from artfactoryd.daemon.app import open_app
from artfactoryd.daemon.loop import Daemon
from artfactoryd.daemon.run import RunOptions
from artfactoryd.planning.models import shipped_models
from artfactoryd.storage.rows import ItemKey
from tests.emulator import fal, models
from tests.emulator.__main__ import listen
from tests.emulator.api import Api
from tests.emulator.book import Book
from tests.emulator.fal_requests import Request
from tests.emulator.outputs import Outputs
from tests.emulator.predictions import Prediction
from tests.emulator.weather import Weather
from tests.homes import TestHome
from tests.pictures import draw
from tests.works import quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
LISTED = [model for model in shipped_models()[0] if model.source.endswith(".json")]
SHAPES: dict[str, str | None] = json.loads((Path(__file__).parents[1] / "data" / "catalogue_outputs.json").read_text())
ASSUMED = ("uri", "array of uri", "file:File, note:string")
OTHERS = {"video": "film", "audio": "sound"}  # what an output of that name is; pictures else
PICTURES = ("red.png", "green.png", "blue.png")
OWN: dict[str, dict[str, Any]] = {}  # what Replicate's models take
KEYS = {"REPLICATE_API_TOKEN": "r8_test", "FAL_KEY": "id:secret"}


def shapes_of(provider: str, model: str) -> tuple[str, ...]:
    shape = SHAPES[f"{provider} {model}"]
    return (shape,) if shape else ASSUMED


def shaped(shape: str, address: str) -> Any:
    if ":" not in shape or "{" in shape:
        return [address] if shape.startswith("array") else address
    fields = (field.partition(":") for field in shape.split(", "))
    return {name: _field(kind, address) for name, _, kind in fields}


def _field(kind: str, address: str) -> Any:
    if kind.startswith("Array<"):
        return [_field(kind[6:-1], address)] if kind != "Array<void>" else []
    plain = {"string": "as it came", "number": 1, "boolean": False, "unknown": {}}
    return plain.get(kind, {"url": address, "content_type": "application/octet-stream"})


class Asked(Request):
    def __init__(self, **line: Any) -> None:
        super().__init__(**line)
        shape = shapes_of("fal", self.endpoint)[0]
        self.output = next((kind for name, kind in OTHERS.items() if f"{name}:" in shape), None)

    def result(self, outputs: str) -> tuple[int, dict[str, Any]]:
        return 200, shaped(shapes_of("fal", self.endpoint)[0], f"{outputs}/pbxt/{self.id}/out-0.bin")


class Predicted(Prediction):
    def _shaped(self, addresses: list[str]) -> Any:
        shapes = shapes_of("replicate", self.model)
        return shaped(shapes[self.digits % len(shapes)], addresses[0])


def order_of(model: Model, number: int) -> dict[str, Any]:
    """What it must be given, and a seed."""
    parameters = {name: _value(model.properties[name], name, number) for name in model.required}
    return {
        "provider": model.provider, "model": model.short, "name": f"{model.provider}-{model.short}-{number}",
        "parameters": {name: value for name, value in parameters.items() if value is not None},
    }  # fmt: skip


def _value(schema: Mapping[str, Any], name: str, number: int) -> Any:
    if "uri" in json.dumps(schema):
        return PICTURES[number]
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": f"a car number {number}", "integer": 1, "number": 1}[schema["type"]]


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both emulators take each model by its own schema."""
    for model in LISTED:
        taken = {**model.properties, **{name: {"const": value} for name, value in model.sends.items()}}
        own = {"properties": taken, "required": [*model.required, *model.sends], "additionalProperties": False}
        monkeypatch.setitem(fal.INPUTS if model.provider == "fal" else OWN, model.id, own)
    monkeypatch.setattr(models, "complaints", complaints)
    known = {model.version: model.id for model in LISTED if model.version}
    monkeypatch.setattr(models, "model_of_version", known.get)
    monkeypatch.setattr(models, "official", lambda name: name in OWN and name not in known.values())


def complaints(model: str, given: Any) -> list[str]:
    return [wrong.message for wrong in jsonschema.Draft7Validator(OWN[model]).iter_errors(given)]


@asynccontextmanager
async def providers(home: TestHome) -> AsyncIterator[list[Any]]:
    weather = Weather()
    weather.change({"run_seconds": 0.0, "start_seconds": 0.0, "latency": 0.0})
    apis: list[Any] = [
        Api(Book(home.root.parent / "predictions", Predicted), weather),
        fal.Fal(Book(home.root.parent / "requests", Asked), weather),
    ]  # fmt: skip
    async with AsyncExitStack() as runners:
        for api in apis:
            api.base = await listen(api.app(), 0, runners)
            api.outputs = await listen(Outputs(api.book, weather, api.seen).app(), 0, runners)
        home.base_url, home.fal_url = (api.base for api in apis)
        home.configure(budget=dict.fromkeys(("per_order", "per_day", "per_month", "ask_above"), 1000))
        yield apis


def drop(home: TestHome, orders: list[dict[str, Any]]) -> None:
    bundle = home.home.inbox / ".all"
    for picture in PICTURES:
        draw(bundle / picture, picture.partition(".")[0])
    (bundle / "order.yaml").write_text("---\n".join(map(documents.dump_yaml, orders)))
    bundle.rename(home.home.inbox / "all")


@pytest.mark.usefixtures("emulated")
async def test_every_shipped_model_is_planned_sent_and_delivered(home: TestHome) -> None:
    orders = [order_of(model, number) for model in LISTED for number in range(len(shapes_of(model.provider, model.id)))]
    async with providers(home) as apis:
        drop(home, orders)
        async with open_app(home.home, settings.load(home.home.settings_file, {}), KEYS) as house:
            await Daemon(house, RunOptions(until_done=True), KEYS).run()
            index = house.books.index
            made = {order.name: index.products(order.id) for order in index.orders()}
            states = {item.state for order in index.orders() for item in index.items(order.id)}
            upper = {item.item_key: item.upper for order in index.orders() for item in index.items(order.id)}
        assert sum(len(api.book.accepted) for api in apis) == len(orders)
    assert (len(made), states) == (len(orders), {"completed"})
    assert {name for name, products in made.items() if not products} == set()
    kinds = {name.rpartition("-")[0]: products[0].mime.partition("/")[0] for name, products in made.items()}
    expected = {"video": "video", "speech": "audio", "music": "audio", "sound-effects": "audio"}
    for model in LISTED:
        assert kinds[f"{model.provider}-{model.short}"] == expected.get(model.modality.rpartition("-to-")[2], "image")
    costs = {ItemKey(line["order"], line["item"]): line["cost"] for line in home.lines("settlement")}
    assert [key for key, cost in costs.items() if cost > upper[key]] == []
