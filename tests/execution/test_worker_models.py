"""Orders that name several models: each item goes to its own, at its own price."""

from __future__ import annotations

import json

import pytest

from artfactoryd import documents
from artfactoryd.core.order import read_order
from tests.homes import TestHome
from tests.works import at_work

SEVERAL = """\
models:
  - {provider: fake, model: painter, parameters: {seed: 5}}
  - {provider: other, model: acme/painter}
  - {provider: fake, model: timer}
parameters: {prompt: "a [red,blue] car"}
"""


async def test_each_item_goes_to_its_own_model_at_its_own_price(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        order_id = await works.make(SEVERAL)
        assert works.state(order_id) == "completed"
        items = [(item.provider, item.generation["prompt"], item.upper) for item in works.items(order_id)]
        assert items == [
            ("fake", "a red car", 10_000), ("fake", "a blue car", 10_000), ("other", "a red car", 10_000),
            ("other", "a blue car", 10_000), ("fake", "a red car", 10_000), ("fake", "a blue car", 10_000),
        ]  # fmt: skip
        assert [call.model for call in works.fake.calls()] == ["acme/painter"] * 2 + ["acme/timer"] * 2
        assert works.items(order_id)[0].seed == 5
        sidecars = [json.loads(path.read_text()) for path in sorted(home.home.projects.rglob("*.png.json"))]
        assert [each["model"]["id"] for each in sidecars] == ["acme/painter"] * 4 + ["acme/timer"] * 2
        assert [each["cost"]["usd"] for each in sidecars] == [0.01] * 4 + [0.0005] * 2  # the timer by its time
        assert sidecars[0]["parameters"]["base"] == {"prompt": "a [red,blue] car", "seed": 5}


async def test_the_resolved_order_of_several_models_gives_the_same_items(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        first = await works.make(SEVERAL)
        (paper,) = home.home.projects.rglob("order.resolved.yaml")
        second = await works.make(paper.read_text(), "again.yaml")
        told = [[(i.provider, i.model, i.generation) for i in works.items(each)] for each in (first, second)]
        assert told[0] == told[1]
        assert len(works.order(second).models) == 3


async def test_an_order_of_two_providers_says_which_of_them_keeps_it(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.tell("pause", target="other")
        order_id = await works.make(SEVERAL)
        assert works.states(order_id) == ["completed"] * 2 + ["planned"] * 2 + ["completed"] * 2
        receipt = next(home.home.projects.rglob("receipt.yaml"))
        await works.until(lambda: "other is paused by you" in receipt.read_text())


def test_one_model_beside_several_is_refused_by_name() -> None:
    value = documents.read_documents(f"model: painter\n{SEVERAL}".encode(), "cars.yaml")[0].value
    (problem,) = read_order(value, name="cars", project=None).problems
    assert (problem.code, problem.path) == ("E_VALUE", ("model",))
