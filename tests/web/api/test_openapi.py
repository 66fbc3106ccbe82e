"""The API's description is what is served: each address is in it, and answers as it says."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from tests.homes import TestHome
from tests.web.visits import visited
from tests.works import order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for inner in value.values():
            yield from refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from refs(inner)


async def test_every_address_is_described_and_answers_as_it_is_described(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(home, monkeypatch) as (works, visitor):
        order_id = await works.make(order("a car"))
        product = works.house.books.index.newest_products(1)[0]
        given = {"order_id": order_id, "product_id": product.id, "submission": "none", "provider": "fake"}
        described = (await visitor.ask("/api/v1/openapi.json")).json
        known = {ref.rpartition("/")[2] for ref in refs(described)}
        assert known <= described["components"]["schemas"].keys() and described["openapi"] == "3.1.0"
        operations = [
            (path, method, told) for path, methods in described["paths"].items() for method, told in methods.items()
        ]
        names = [told["operationId"] for _, _, told in operations]
        assert len(names) == len(set(names)) > 20
        assert (await visitor.ask("/api")).json["versions"][0]["description"] in described["paths"]
        assert (await visitor.ask("/api/v1/unknown")).headers["API-Version"] == "1"
        for path, method, told in operations:
            assert {one["name"] for one in told["parameters"] if one["in"] == "path"} == set(
                re.findall(r"{(\w+)}", path)
            )
            if method == "get":
                address = path.format(**given)
                answer = await visitor.ask(address)
                assert answer.headers.get("API-Version") == ("1" if path.startswith("/api") else None)
                (_, content), *_ = told["responses"]["200"]["content"].items()
                assert answer.status == 200, address
                if answer.json is not None:
                    schema = {**content["schema"], "components": described["components"]}
                    jsonschema.Draft202012Validator(schema).validate(answer.json)
                assert (await visitor.ask(f"{address}?nonsense=1")).json["code"] == "bad_request"
                for one in told["parameters"]:
                    if one["schema"].get("maximum"):
                        too_much = f"{address}?{one['name']}={one['schema']['maximum'] + 1}"
                        problem = (await visitor.ask(too_much)).json
                        schemas = described["components"]["schemas"]
                        jsonschema.Draft202012Validator(schemas["Problem"]).validate(problem)
                    if one["schema"].get("pattern"):
                        assert (await visitor.ask(f"{address}?{one['name']}=GO")).status == 400
                        missing = await visitor.ask(f"{address}?{one['name']}={uuid.UUID(int=1)}")
                        assert missing.status == (404 if "products" in path else 200)


async def test_what_has_not_changed_is_not_sent_again(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    async with visited(home, monkeypatch) as (works, visitor):
        order_id = await works.make(order("a car"))
        address = f"/api/v1/orders/{order_id}"
        first = await visitor.ask(address)
        tag = {"If-None-Match": first.headers["ETag"]}
        assert (await visitor.ask(address, headers=tag)).status == 304
        await visitor.tell(f"/api/v1/products/{first.json['products'][0]['id']}/marks", liked=True)
        changed = await visitor.ask(address, headers=tag)
        assert changed.status == 200 and changed.headers["ETag"] != first.headers["ETag"]
        figures = (await visitor.ask("/metrics")).body.decode().splitlines()
        samples = [line for line in figures if not line.startswith("#")]
        assert all(re.fullmatch(r'[a-z_]+(\{([a-z]+="[^"]*",?)+\})? -?[0-9.e+-]+', line) for line in samples)
        assert 'artfactoryd_items{provider="fake",state="completed"} 1' in samples
        assert "artfactoryd_spent_usd_total 0.01" in samples
        assert {line.split()[2] for line in figures if line.startswith("# TYPE")} >= {
            "artfactoryd_loop_lag_seconds", "artfactoryd_disk_free_bytes", "artfactoryd_provider_call_seconds",
        }  # fmt: skip
