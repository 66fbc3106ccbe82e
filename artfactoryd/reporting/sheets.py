"""What a contact sheet shows, from the index: the pictures of an order, page by page, or those that a query finds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from artfactoryd import clock
from artfactoryd.core.expansion.axes_in_words import factors
from artfactoryd.core.expansion.stages import keeps, products_of
from artfactoryd.core.json_types import Json
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.model import Model
from artfactoryd.core.names import kinds_of, made_words
from artfactoryd.core.sheets.facts import MODEL, Fact, Picture, facts_of, shown
from artfactoryd.core.sheets.layout import Axes, Layout, lay_out, parted
from artfactoryd.core.sheets.sheet import MOST, Sheet
from artfactoryd.core.sheets.stages import lay_out_stages
from artfactoryd.core.slug import prompt_of
from artfactoryd.planning.accepted import plan_of
from artfactoryd.printable import redact
from artfactoryd.shelf.media import DECODED
from artfactoryd.storage.index import ALL, Index
from artfactoryd.storage.lists import sheet_lists
from artfactoryd.storage.lists.search import FoundProduct
from artfactoryd.storage.rows import ItemRow, OrderRow, ProductRow

WORDS = {  # why there is nothing to see, by the item's state
    ItemState.PLANNED: "waits", ItemState.SUBMITTING: "on its way", ItemState.RUNNING: "being made",
    ItemState.DELIVERING: "being fetched", ItemState.IN_DOUBT: "in doubt", ItemState.FAILED: "failed",
    ItemState.CANCELLED: "cancelled", ItemState.COMPLETED: "did not come",
}  # fmt: skip
NOT_LIKED = "waits for a like"  # of what it is made of: there is no place for it yet
MOST_PARTED = 3000  # items of an order whose pages are made of a value: all of them are read for that
LONGEST_REASON = 120  # characters


# --- an order's ---


def is_wanted(row: OrderRow) -> bool:
    """Whether an order has a sheet: of one picture there is nothing to lay out."""
    return row.total_products > 1 and plan_of(row).order.sheet.is_wanted


def of_order(index: Index, root: Path, row: OrderRow, items: Collection[int] | None = None) -> Iterator[Sheet]:
    """Its pages as the index knows them now. `items`: only the pages that these are on."""
    wish = plan_of(row).order.sheet
    if wish.page is not None and row.all_items <= MOST_PARTED:
        yield from _parted(index, root, row, wish.page)
        return
    most, own = items_on_page(row), plan_of(row).own_items
    changed = None if items is None else {(sheet_lists.began_with(index, row.id, item) - 1) // most for item in items}
    pages = math.ceil(own / most)
    for page in range(pages):
        if changed is None or page in changed:
            rows = sheet_lists.with_what_was_made(index, row.id, page * most, min(most, own - page * most))
            yield _sheet(row, list(_pictures(index, root, row, rows)), page + 1, pages)


def of_whole_order(index: Index, root: Path, row: OrderRow, axes: Axes, most: int | None) -> Sheet:
    """All of it on one sheet. `axes`: over those that the order itself chooses."""
    wish = plan_of(row).order.sheet
    pictures = list(islice(_pictures(index, root, row, index.items(row.id, (), most or ALL)), most))
    return _laid_out(row, pictures, axes if axes.x or axes.y else Axes(wish.x, wish.y))


def items_on_page(row: OrderRow) -> int:
    """So many of its own that with what later stages make of them no page has more than MOST pictures and, where that
    can be, each ends with a row of its table."""
    plan = plan_of(row)
    kept = plan.own_products + sum(products_of(plan, stage) for stage in plan.stages if stage.later.keep)
    most = max(1, MOST // max(1, math.ceil(kept / max(1, plan.own_items))))
    whole = 1
    for factor in reversed(factors(plan)):
        if whole * factor.size > most:
            break
        whole *= factor.size
    return most // whole * whole


def _parted(index: Index, root: Path, row: OrderRow, name: str) -> Iterator[Sheet]:
    """A page for each value of what a person chose; more where one has too many pictures."""
    pictures = list(_pictures(index, root, row, index.items(row.id)))
    parts = [
        (told, part[first : first + MOST])
        for told, part in parted(pictures, _own_name(row, name) or name) for first in range(0, len(part), MOST)
    ]  # fmt: skip
    for number, (told, part) in enumerate(parts, 1):
        yield _sheet(row, part, number, len(parts), told)


def _sheet(row: OrderRow, pictures: Sequence[Picture], page: int, pages: int, told: str = "") -> Sheet:
    wish = plan_of(row).order.sheet
    sheet = _laid_out(row, pictures, Axes(wish.x, wish.y))
    return replace(sheet, lines=[*filter(None, [told]), *sheet.lines], page=page, pages=pages)


def _laid_out(row: OrderRow, pictures: Sequence[Picture], axes: Axes) -> Sheet:
    shown = [picture for picture in pictures if picture.blank != NOT_LIKED]
    first, *more = lay_out_stages(shown, Axes(_own_name(row, axes.x), _own_name(row, axes.y)))
    lines = _lines(first, row, shown, len(pictures) - len(shown))
    return Sheet(f"{row.project} / {row.name}", lines, first, row.id, more=more)


def _own_name(row: OrderRow, name: str | None) -> str | None:
    """As the model calls a parameter that was written under another name."""
    models = plan_of(row).all_models
    return name and next((model.synonyms[name] for model in models if name in model.synonyms), name)


def _pictures(index: Index, root: Path, row: OrderRow, items: Sequence[ItemRow]) -> Iterator[Picture]:
    """Those that are made of others behind them."""
    order = plan_of(row).order
    products, made = sheet_lists.products_of(index, items), dict[int, Picture]()
    models = [Model.from_snapshot(snapshot) for snapshot in row.snapshots]
    names, counts = _names(models), Counter[tuple[int, str]]()
    for item in items:
        model = models[item.model]
        parent = made.get(item.parent) if item.parent else None
        for nth in range(item.asked):
            place = item.first_index + nth
            facts = _facts(
                model, item.generation, item.tokens, item.copy + nth, item.stage, parent.facts if parent else None,
                names[item.model],
            )  # fmt: skip
            product = products.get((item.number, place))
            blank = "" if product else _blank(item)
            seed = "" if item.seed is None else str(item.seed)
            picture = _picture(root, facts, model, item.generation, seed, blank, product)
            if item.stage and item.parent:
                of = counts[item.parent, item.stage]
                counts[item.parent, item.stage] += 1
                picture = replace(picture, stage=item.stage, parent=parent, nth=of)
            made[place] = picture
            if keeps(order, item.stage):
                yield picture


def _facts(
    model: Model, generation: Json, tokens: Sequence[Sequence[str]], copy: int, stage: str | None = None,
    parent: Mapping[str, Fact] | None = None, name: str = "",
) -> dict[str, Fact]:  # fmt: skip
    hidden = [name for name in (model.seed, model.batch, model.image if stage else None) if name]
    return facts_of(
        name or _name_of(model), generation, tokens, texts=("prompt", *model.text), hidden=hidden, copy=copy,
        stage=stage, of_parent=parent,
    )  # fmt: skip


def _name_of(model: Model) -> str:
    return next(iter(model.aliases), model.id)


def _names(models: Sequence[Model]) -> list[str]:
    """With the provider, where two call theirs the same."""
    short = [_name_of(model) for model in models]
    return [
        f"{name} ({model.provider})" if short.count(name) > 1 else name
        for name, model in zip(short, models, strict=True)
    ]


def _blank(item: ItemRow) -> str:
    if item.wants_liked and item.waits and item.state is ItemState.PLANNED:
        return NOT_LIKED
    words = WORDS[item.state]
    if item.state in (ItemState.FAILED, ItemState.IN_DOUBT) and item.reason:
        words = f"{words}: {redact(item.reason)[:LONGEST_REASON]}"
    return words


def _picture(
    root: Path, facts: Mapping[str, Fact], model: Model | None, generation: Json, seed: str, blank: str,
    product: ProductRow | None,
) -> Picture:  # fmt: skip
    prompt = prompt_of(generation, model) if model else ""
    parameters = {name: shown(value) for name, value in generation.items()}
    if product is None:
        return Picture(facts, seed, prompt, blank, parameters=parameters)
    path = root / product.path
    if not path.is_file():
        blank = "no longer on the shelf"
    elif product.looked is None and product.order_id and product.mime in DECODED:
        blank = "has just come"
    elif product.looked:
        blank = "damaged"
    marks = ["liked"] if product.liked else []
    return Picture(
        facts, seed, prompt, blank, product.id, path.name, product.path,
        product.sha256, product.mime, product.width or 0, product.height or 0, marks, parameters,
        duration=product.duration or 0.0,
    )  # fmt: skip


def _lines(layout: Layout, row: OrderRow, pictures: Sequence[Picture], unliked: int) -> list[str]:
    missing = sum(bool(picture.blank) for picture in pictures)
    count = _count(pictures) + (f", {missing} of them not here" if missing else "")
    count += f"; {unliked} more for likes" if unliked else ""
    kind = "rehearsal, drawn here for nothing" if row.rehearsal else ""
    return [*_common(layout), " · ".join(filter(None, [kind, count, clock.shown(row.accepted_at)[:10]]))]


def _common(layout: Layout) -> list[str]:
    """The text that all have, and behind it what else they share."""
    common = dict(layout.common)
    text = common.pop("prompt", "")
    model = common.pop(MODEL, "")
    told = [model, *(f"{name} {value}" for name, value in common.items() if value)]
    return list(filter(None, [text, " · ".join(filter(None, told))]))


# --- a query's ---


def of_products(root: Path, rows: Sequence[FoundProduct], title: str, axes: Axes) -> Sheet:
    """`rows`: newest first; the sheet begins with the oldest."""
    models = [Model.from_snapshot(row.model) if row.model else None for row in reversed(rows)]
    unlike = list({(model.provider, model.id): model for model in models if model}.values())
    names = {(model.provider, model.id): name for model, name in zip(unlike, _names(unlike), strict=True)}
    pictures = [
        _found(root, row, model, names[model.provider, model.id] if model else "")
        for row, model in zip(reversed(rows), models, strict=True)
    ]
    layout = lay_out(pictures, axes, sorts=True)
    return Sheet(title, [*_common(layout), _count(pictures)], layout)


def _count(pictures: Sequence[Picture]) -> str:
    """What has not come counts as a picture, whatever it may be, where nothing else has."""
    kinds = kinds_of(picture.mime for picture in pictures if picture.mime)
    missing = sum(not picture.mime for picture in pictures)
    usual = next(iter(kinds), "image") if len(kinds) < 2 else "other"
    return made_words(kinds + Counter({usual: missing}))


def _found(root: Path, row: FoundProduct, model: Model | None, name: str) -> Picture:
    generation = row.generation or {}
    facts = _facts(model, generation, (), 0, name=name) if model else {}
    seed = "" if row.seed is None else str(row.seed)
    return _picture(root, facts, model, generation, seed, "", row.product)
