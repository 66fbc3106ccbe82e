"""What an agent may do: plan, submit, status, find, models, explain. Nothing here approves, raises a cap, changes a
setting, or reads a file that an order in the Inbox could not name.

Answers are data. What is wrong is an answer too, with the way out: an agent can mend its order by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from artfactoryd import entries, settings
from artfactoryd.cli.agents.answers import Answer, refused, told
from artfactoryd.cli.agents.arguments import Parameter, checked
from artfactoryd.cli.control import daemon_is_there
from artfactoryd.cli.explain import explanation
from artfactoryd.core.money import dollars
from artfactoryd.core.query import read_query
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.intake.submission import Told, order_name, rejections_of, submit_bundle
from artfactoryd.live_settings import settings_to_show
from artfactoryd.planning import preview
from artfactoryd.planning.origin import Origin
from artfactoryd.printable import redact
from artfactoryd.reporting import models as models_report
from artfactoryd.reporting import orders as order_reports
from artfactoryd.reporting import products as products_report
from artfactoryd.reporting import status as status_report
from artfactoryd.reporting import waiting
from artfactoryd.settings import Settings
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.rows import OrderRow

LOOK = 0.1  # seconds between looks for what became of a submission
MOST_PRODUCTS, MOST_FAILURES, MOST_OPEN = 50, 20, 20
ORDER = Parameter("order", "string", "The order itself, as YAML or JSON text; no path.", required=True)
NAME = Parameter("name", "string", "What it is called: a few words for its folder.", default="order")
REHEARSE = Parameter("rehearse", "boolean", "true: drawn here by a free model, for nothing.", default=False)
SHOWN = Parameter(
    "at_most_usd", "number", "The price that you showed; nothing is submitted above it.", least=0, most=1e6
)
WAIT = Parameter("wait", "number", "Seconds to wait until it is taken.", default=6, least=0, most=30)
ITEMS = Parameter("items", "integer", "How many items to list.", default=5, least=0, most=50)
HELD = (
    "It waits for the person, for the `reasons` told: they approve it (`artfactoryd approve ID`, or the page), or not."
)
NOTHING_BESIDE = "Nothing lies beside an order here: name product:ID, an https address, or a file below Library/."


@dataclass(frozen=True, slots=True)
class Tool:
    """`changes`: it may lead to spending money, within the caps."""

    name: str
    words: str
    parameters: tuple[Parameter, ...]
    run: Callable[[Desk, Mapping[str, Any]], Answer]
    changes: bool = False

    def answer(self, desk: Desk, given: Mapping[str, Any]) -> Answer:
        """Raises ArtFactoryError for what the agent can mend or a person must."""
        return self.run(desk, checked(self.name, self.parameters, given))


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an agent of this name works."""

    home: Home
    environ: Mapping[str, str]
    agent: str

    def settings(self) -> Settings:
        """As the file says now. Raises Refusal."""
        self.home.check_made()
        return settings.load(self.home.settings_file, self.environ)

    def settings_to_show(self) -> tuple[Settings, str]:
        self.home.check_made()
        return settings_to_show(self.home, dict(self.environ))


# --- orders ---


def _studied(desk: Desk, asked: Mapping[str, Any], items: int) -> tuple[preview.Planned, bytes, Settings]:
    """What the order would do, handed in by this agent. Raises WrongUse for what is no order at all."""
    loaded = desk.settings()
    data = str(asked["order"]).encode("utf-8", "surrogatepass")
    if not data.strip():
        raise WrongUse("`order` is empty. Write the order itself, as YAML.")
    if len(data) > loaded.limits.order_bytes:
        most = f"an order has at most {loaded.limits.order_bytes} (limits.order_bytes)"
        raise WrongUse(f"`order` has {len(data)} bytes; {most}. Use lists and tokens, or a table in the Library.")
    name = order_name(asked["name"])
    origin = Origin(f"{name}.yaml", name, rehearse=asked["rehearse"], agent=desk.agent)
    planned = preview.plan_text(desk.home, loaded, data, origin, most=items, environ=desk.environ)
    return planned, data, loaded


def _plan(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    planned, _, _ = _studied(desk, asked, asked["items"])
    return _told_plan(planned)


def _told_plan(planned: preview.Planned) -> Answer:
    """The document of `plan --json`; of one with errors only these, with line and column."""
    errors = [error for order in planned.orders for error in order.head["errors"]]
    if not errors:
        return told(planned.document)
    hint = {"hint": NOTHING_BESIDE} if any(error["code"].startswith("E_INPUT") for error in errors) else {}
    warnings = [warning["text"] for order in planned.orders for warning in order.head["warnings"]]
    return told({"errors": [error["text"] for error in errors], **hint, "warnings": warnings}, is_error=True)


def _has_errors(planned: preview.Planned) -> bool:
    return any(order.head["errors"] for order in planned.orders)


def _submit(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    desk.home.check_original()
    planned, data, loaded = _studied(desk, asked, 0)
    if _has_errors(planned):
        return _told_plan(planned)
    price = sum(order.head["price"]["usd"] or 0 for order in planned.orders)
    shown = asked["at_most_usd"]
    if shown is not None and price > shown:
        costs = f"it may cost {dollars(round(price * 1_000_000))}, and `at_most_usd` is {shown:g}"
        return refused(f"Nothing was submitted: {costs}. Plan it again, and show its price.")
    name = order_name(asked["name"])
    told_along = Told(name, f"{name}.yaml", asked["rehearse"], agent=desk.agent)
    inbox = loaded.inbox.path or desk.home.inbox
    _, submission = submit_bundle(data, {}, told_along, inbox, desk.home.temp)
    return _became(desk, loaded, submission, asked["wait"])


def _became(desk: Desk, loaded: Settings, submission: str, patience: float) -> Answer:
    """What became of a submission, waited for while a daemon may take it."""
    end = time.monotonic() + patience
    while True:
        with Index.reading(desk.home.index_file) as index:
            rows = index.orders_of_submission(submission) if index else []
            if index and rows:
                state = "held" if any(row.is_held for row in rows) else "accepted"
                words = {"text": HELD} if state == "held" else {}
                orders = [_order(desk, loaded, index, row) for row in rows]
                return told({"submission": submission, "state": state, **words, "orders": orders})
        if rejection := _rejection(desk.home, submission):
            return told({"submission": submission, "state": "rejected", "text": rejection}, is_error=True)
        is_there = daemon_is_there(desk.home)
        if time.monotonic() >= end or not is_there:
            break
        time.sleep(LOOK)
    text = "It is in the Inbox. Ask for its status with this submission's id."
    if not is_there:
        text = "It is in the Inbox, and is taken once a person starts `artfactoryd run` or `artfactoryd once`."
    return told({"submission": submission, "state": "waiting", "text": text})


def _rejection(home: Home, submission: str) -> str:
    for path in rejections_of(home.rejected, submission):
        return redact(entries.bounded(path, entries.PAPER_BYTES).decode("utf-8", "replace"))
    return ""


def _order(desk: Desk, loaded: Settings, index: Index, row: OrderRow) -> dict[str, object]:
    """With its products and failures, and where its papers are."""
    reasons = waiting.reasons(index, row, desk.home, loaded)
    document = order_reports.order_document(index, row, reasons, most=MOST_PRODUCTS)
    failures, count = order_lists.failures(index, row.id, MOST_FAILURES)
    papers = {"receipt": str(desk.home.root / row.folder / "receipt.yaml")} if row.folder else {}
    told_of = [{"item": item.number, "state": item.state, "reason": redact(item.reason)} for item in failures]
    return {**document.to_json(), **papers, "failures": told_of, "all_failures": count}


def _status(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    loaded, trouble = desk.settings_to_show()
    if given := asked["order"]:
        return _order_status(desk, loaded, str(given))
    with Index.reading(desk.home.index_file) as index:
        document = status_report.status(desk.home, index, loaded, desk.home.at_work(), trouble).to_json()
    listed = {key: list(document[key])[:MOST_OPEN] for key in ("open", "recent", "products")}  # type: ignore[call-overload]
    return told({**document, **listed})


def _order_status(desk: Desk, loaded: Settings, given: str) -> Answer:
    with Index.reading(desk.home.index_file) as index:
        rows = index.orders_of_submission(given) if index and naming.is_text(given) else []
        if index and (rows or naming.orders_named(index, given)):
            rows = rows or [naming.order_named(index, given)]
            return told({"orders": [_order(desk, loaded, index, row) for row in rows]})
    if _is_submission(desk.home, loaded, given):
        return _became(desk, loaded, given, 0)
    raise WrongUse(f"There is no order {given[:80]!r}. Without `order`, status lists those there are.")


def _is_submission(home: Home, loaded: Settings, given: str) -> bool:
    """Whether it may be the id of one that is no order yet, or never will be."""
    if len(given) != 36 or not all(sign.isalnum() or sign == "-" for sign in given):
        return False
    inbox = loaded.inbox.path or home.inbox
    lying = any(path.name.endswith(f"-{given[-8:]}") for path in inbox.iterdir()) if inbox.is_dir() else False
    return lying or bool(_rejection(home, given)) or (home.claims.is_dir() and any(home.claims.iterdir()))


# --- the shelf and the catalogue ---


def _find(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    desk.home.check_made()
    read_query(asked["query"])
    with Index.reading(desk.home.index_file) as index:
        page = products_report.page(index, desk.home.root, asked["query"], asked["most"], asked["before"])
    products = [
        {**product.to_json(), "file": str(desk.home.root / product.path)} for product in page.products
    ]  # fmt: skip
    return told({**page.to_json(), "products": products})


def _explain(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Of a product that the index knows: no path from outside is looked at."""
    desk.home.check_made()
    given = str(asked["product"]).removeprefix(f"{desk.home.root}/")
    with Index.reading(desk.home.index_file) as index:
        row = naming.product_named(index, given)
    return told(explanation(desk.home, str(desk.home.root / row.path)).to_json())


def _models(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    desk.home.check_made()
    if asked["model"]:
        return told(models_report.shown(desk.home, asked["model"]).to_json())
    listed = models_report.listed(desk.home, None, asked["modality"], asked["provider"]).models
    short = [
        {"provider": model.provider, "model": model.name, "modality": model.modality,
         "price": model.price.text if model.price else None}
        for model in listed
    ]  # fmt: skip
    return told({"models": short, "modalities": sorted({model.modality for model in listed})})


TOOLS = (
    Tool(
        "plan",
        "What an order would do, at what price at most, and what would hold it. Spends nothing. Show the person the "
        "price before you submit. Errors come with line and column.",
        (ORDER, NAME, REHEARSE, ITEMS),
        _plan,
    ),
    Tool(
        "submit",
        "Hand in an order that was planned and whose price the person has seen. It may be held until the person "
        "approves it; nobody else can. The same order again within a day is held as a duplicate: ask for its status "
        "instead. Pictures in it are `product:ID`, https addresses, or files below Library/.",
        (ORDER, NAME, REHEARSE, SHOWN, WAIT),
        _submit, changes=True,
    ),
    Tool(
        "status",
        "How an order stands: its state, why it waits, cost, failures, products, and where its receipt is. Without "
        "`order`, everything.",
        (Parameter("order", "string", "An order's id, or its beginning, its name, or a submission's id."),),
        _status,
    ),
    Tool(
        "find",
        "Finished products, newest first. Every term must hold: liked project:cars model:flux-dev date:7d \"red car\".",
        (
            Parameter("query", "string", "The query; empty for all.", default=""),
            Parameter("most", "integer", "How many.", default=20, least=1, most=200),
            Parameter("before", "string", "Go on with those made before this product.", default=""),
        ),
        _find,
    ),
    Tool(
        "models",
        "What can be ordered, at what price. With `model`, one of them with all its parameters.",
        (
            Parameter("model", "string", "Its name or full id."),
            Parameter("modality", "string", "Only those that do this, as text-to-image."),
            Parameter("provider", "string", "Only this provider's."),
        ),
        _models,
    ),
    Tool(
        "explain",
        "All that is known of a product: how it was made, of what, when, and what it cost.",
        (Parameter("product", "string", "Its id, or its path in the home.", required=True),),
        _explain,
    ),
)  # fmt: skip
