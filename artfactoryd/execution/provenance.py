"""Where a product comes from: what its sidecar and its name say of the item, its order and its attempt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from artfactoryd import __version__
from artfactoryd.core import file_names
from artfactoryd.core.expansion import stages
from artfactoryd.core.inbox_rules import DOCUMENT
from artfactoryd.core.line_values import Output
from artfactoryd.core.money import MICRO
from artfactoryd.core.parameters import file_leaves
from artfactoryd.core.parameters.file_refs import PRODUCT, STAGE
from artfactoryd.core.sidecar_again import VARIED
from artfactoryd.core.slug import prompt_of, slug
from artfactoryd.execution.rows import last_attempt
from artfactoryd.planning import inputs
from artfactoryd.planning.accepted import plan_of
from artfactoryd.shelf import placing
from artfactoryd.shelf.media import Media
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import AttemptRow, ItemRow, OrderRow


class Provenance:
    def __init__(self, index: Index) -> None:
        self._index = index

    def facts(self, row: ItemRow, order: OrderRow, delivered: int, cost: int, estimated: bool) -> dict[str, Any]:
        """What the sidecar says of the item, its order and its attempt. `cost`: of all that was delivered."""
        attempt = last_attempt(self._index, row)
        returned = attempt.returned or {}
        return {
            "project": order.project, "order_id": order.id, "order_name": order.name,
            "document_sha256": order.document_sha256, "git": order.git, "number": row.number,
            "copy": row.copy, "seed": row.seed, "key": row.key,
            "tokens": [{"parameter": p, "token": t, "value": v} for p, t, v in row.tokens],
            "provider": row.provider, "model": _model(row, attempt, order), "ticket": row.ticket,
            "base": plan_of(order).base(row.number), "base_of": _document(order),
            "generation": row.generation, "actual": attempt.actual,
            "returned": returned.get("parameters", {}), "asked": row.asked, "delivered": delivered,
            "cost_usd": _dollars_each(cost, delivered), "cost_estimated": estimated,
            "own_price": plan_of(order).order.price if plan_of(order).own_price(row.model) else None,
            "timings": {
                "asked_at": attempt.asked_at, "answered_at": attempt.answered_at,
                "ended_at": attempt.ended_at, "seconds": returned.get("seconds"),
            },
            "inputs": [*_inputs(row, order), *self._fed(row, order)], "stage": row.stage,
            "parents": self._parents(row, order),
            "tags": order.tags, "notes": order.notes, "rehearsal": bool(order.rehearsal),
            "origin": _origin(order), "software_version": __version__,
        }  # fmt: skip

    def name(self, row: ItemRow, order: OrderRow, output: Output, media: Media, sha256: str) -> placing.Name:
        """By the order's pattern; one name for each version where the pattern tells versions apart.

        `sha256`: of the provider's bytes.
        """
        plan = plan_of(order)
        pattern, index = file_names.pattern_of(plan.order, row.stage), output.index
        accepted_at = datetime.fromisoformat(order.accepted_at).astimezone()
        values = file_names.of_order(order.name, order.project, order.id, accepted_at)
        values |= self._told(row, order)[0]
        copy = row.copy + index - row.first_index
        values |= file_names.of_bytes(index, copy, row.seed, sha256, media.extension, output.letter)
        values |= {"width": media.width, "height": media.height, "product_id": output.id}
        values |= {"slug": slug(self.about(row, order)), "stage": row.stage}
        if not file_names.has_version(pattern):
            return file_names.name(pattern, values)
        return lambda version: file_names.name(pattern, {**values, "version": version})

    def _told(self, row: ItemRow, order: OrderRow) -> tuple[dict[str, Any], str]:
        """What a name may tell of an item and of what it was made from; and the file that it was fed with, of one
        that was not shelved what that one was made from."""
        pictures = {str(picture["value"]): str(picture["name"]) for picture in order.inputs}
        before, file = dict[str, Any](), ""
        if fed := self._index.fed_with(row):
            before, file = self._told(fed[1], order)
            file = PurePosixPath(fed[0].path).name if fed[0].shelved else file
            pictures[stages.fed(row.parent or 0)] = file
        lookups = plan_of(order).lookups
        return file_names.of_item(order.model_of(row), row.generation, row.tokens, lookups, pictures, before), file

    def about(self, row: ItemRow, order: OrderRow) -> str:
        """What its name says: its own words, else those of what it was made from."""
        words = prompt_of(row.generation, order.model_of(row))
        fed = None if words else self._index.fed_with(row)
        return self.about(fed[1], order) if fed else words

    def _parents(self, row: ItemRow, order: OrderRow) -> list[str]:
        """Ids of the products that it is made from, or varies, each once; one that was not shelved hands on its own."""
        parents, fed = _used(row, order), self._index.fed_with(row)
        if fed is not None:
            output, before = fed
            parents = [*([output.id] if output.shelved else self._parents(before, order)), *parents]
        varied = VARIED.match(order.document)
        return list(dict.fromkeys([*parents, varied[1]] if varied else parents))

    def _fed(self, row: ItemRow, order: OrderRow) -> list[dict[str, Any]]:
        fed = self._index.fed_with(row)
        if fed is None:
            return []
        output, before = fed
        pictures = inputs.of_product(row, order.model_of(row), output)
        stage = None if output.shelved else f"{STAGE}{before.stage}"
        return [
            {"parameter": file_leaves.written(place), "sha256": picture["sha256"], "file": picture["name"],
             "source": stage or picture["value"], **self._unkept(row)}
            for place, picture in pictures.items()
        ]  # fmt: skip

    def _unkept(self, row: ItemRow) -> dict[str, Any]:
        """Of what it is made from where that was not kept: enough to know by the shelf alone that it was made."""
        fed = self._index.fed_with(row)
        if fed is None or fed[0].shelved or not fed[1].key:
            return {}
        output, maker = fed
        delivered = len(self._index.outputs_of(maker))
        facts = {
            "id": output.id, "item": maker.number, "key": maker.key, "asked": maker.asked,
            "delivered": delivered, "index": output.place, "nth": output.nth,
            "sha256": output.original, "bytes": output.bytes, "mime": output.mime, "width": output.width,
            "height": output.height, "created_at": output.created_at,
        }  # fmt: skip
        return {"unkept": {**facts, **self._paid(maker, delivered), **self._unkept(maker)}}

    def _paid(self, maker: ItemRow, delivered: int) -> dict[str, Any]:
        """For what is not kept: no other sidecar tells what it cost."""
        attempt = self._index.attempt(maker.attempt) if maker.attempt else None
        if attempt is None or not attempt.cost:
            return {}
        cost = {"usd": _dollars_each(attempt.cost, delivered), "estimated": bool(attempt.estimated)}
        paid = {"cost": cost, "asked_at": attempt.asked_at, "provider": attempt.provider}
        return {**paid, "ticket": maker.ticket} if maker.ticket else paid


def _dollars_each(cost: int, delivered: int) -> float:
    return round(float(cost / MICRO / max(1, delivered)), 6)


def _origin(order: OrderRow) -> dict[str, Any]:
    """With the agent that handed it in, where one did."""
    origin = {"file": order.file, "submission": order.submission}
    return {**origin, "agent": order.agent} if order.agent else origin


def _model(row: ItemRow, attempt: AttemptRow, order: OrderRow) -> dict[str, Any]:
    """The model that really made it: for a rehearsal the sketch, and the one ordered as what it stands for."""
    model = order.snapshots[row.model]
    if order.rehearsal:
        ordered = {key: model[key] for key in ("provider", "id", "version")}
        return {
            "id": attempt.model, "version": None, "family": model["family"], "modality": model["modality"],
            "stands_for": ordered,
        }  # fmt: skip
    return {key: model[key] for key in ("id", "version", "family", "modality")}


def _document(order: OrderRow) -> dict[str, str | None]:
    """Where all of it is written: the order as it was dropped."""
    return {"sha256": order.document_sha256, "path": f"{order.folder}/{DOCUMENT}" if order.folder else None}


def _inputs(row: ItemRow, order: OrderRow) -> list[dict[str, Any]]:
    """The pictures this item was made from, as the order's inputs/ holds them."""
    pictures = inputs.of_item(row.generation, order.inputs, order.model_of(row))
    return [
        {"parameter": file_leaves.written(place), "sha256": picture["sha256"], "file": f"inputs/{picture['name']}",
         "source": picture.get("source") or picture["value"]}
        for place, picture in pictures.items()
    ]  # fmt: skip


def _used(row: ItemRow, order: OrderRow) -> list[str]:
    """Ids of the products that it names as its pictures, each once."""
    pictures = inputs.of_item(row.generation, order.inputs, order.model_of(row)).values()
    return list(dict.fromkeys(filter(None, map(product_in, pictures))))


def product_in(picture: Mapping[str, Any]) -> str:
    """The id of the product that a picture is: known by its bytes, or named as one. Empty where it is none."""
    source = str(picture.get("source") or picture["value"])
    named = source.removeprefix(PRODUCT) if source.startswith(PRODUCT) else ""
    return picture.get("product") or named
