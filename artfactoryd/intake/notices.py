"""The papers about an order that lie beside the pictures: the order itself, its resolved form, the receipt,
and the words about what was held or rejected."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from artfactoryd import __version__, documents
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.expansion.resolved import written_out
from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.core.model import dollars, usd
from artfactoryd.core.sidecar import folder_name
from artfactoryd.errors import OutputBad, Problem
from artfactoryd.home import Home
from artfactoryd.planning import inputs
from artfactoryd.planning.planner import Study, document_bytes, plan_of
from artfactoryd.shelf import placing
from artfactoryd.storage import budget, dependencies
from artfactoryd.storage.index import Index

Row = Mapping[str, Any]
MOST_FAILURES = 100  # in one receipt; `order ID` shows all


def open_folder(home: Home, row: Row, plan: Plan, lying: Callable[[Row], Path] | None) -> Path:
    """`Projects/PROJECT/DATE/NAME` with its papers and inputs, durable; the same folder for the same order id.

    `lying`: where a picture that the order names lies.
    """
    date = datetime.fromisoformat(row["accepted_at"]).astimezone().strftime("%Y-%m-%d")
    document = document_bytes(row["document"])
    files: dict[str, bytes | Callable[[], bytes]] = {
        "order.yaml": document,
        "order.resolved.yaml": resolved(row, plan).encode(),
        "receipt.yaml": first_receipt(row).encode(),
    }
    for each in row["inputs"]:
        if lying is None:
            raise OutputBad(f"The claim of order {row['id']} is gone, and with it {each['value']}.")
        files[f"inputs/{each['name']}"] = partial(inputs.read, lying(each), each)
    project = placing.existing_project(home.projects, row["project"])
    name = folder_name(row["name"], bool(row["rehearsal"]))
    return placing.open_order_folder(
        home.projects, project, date, name, row["id"], files, lambda: project_document(row).encode()
    )


def project_document(row: Row) -> str:
    return documents.dump_yaml(
        {"id": row["id"], "name": row["project"], "description": "", "status": "active", "tags": [], "featured": None}
    )


def resolved(row: Row, plan: Plan) -> str:
    """The same order with everything it borrowed written out: drop it anywhere, get the same items."""
    value = written_out(plan, {each["value"]: f"inputs/{each['name']}" for each in row["inputs"]})
    comment = [
        f"# Order {row['id']}, accepted {row['accepted_at']} by artfactoryd {__version__}",
        f"# from {row['file']!r}, document {row['number']}, sha256 {row['document_sha256']}",
    ]
    comment += [f"# {'inputs/' + each['name']!r} sha256 {each['sha256']}{_from(each)}" for each in row["inputs"]]
    return "\n".join([*comment, documents.dump_yaml(value)])


def _from(known: Row) -> str:
    return f" from {known['source']!r}" if known.get("source") else ""


def receipt_state(folder: Path) -> str | None:
    """The state that the receipt lying there tells; None when there is none to read."""
    try:
        with (folder / "receipt.yaml").open(errors="replace") as file:
            found = re.search(r"^state: (\w+)$", file.read(4096), re.MULTILINE)
    except OSError:
        return None
    return found[1] if found else None


def first_receipt(row: Row) -> str:
    return _receipt_head(row, OrderState.QUEUED, {}, {})


def receipt(index: Index, row: Row, notes: Sequence[str]) -> str:
    """What became of the order so far. `notes`: why it waits, in words."""
    counts = index.counts(row["id"])
    state = index.state(row, counts)
    head = _receipt_head(row, state, counts, budget.money(index, row["id"]), notes)
    ended = index.items(row["id"], (ItemState.FAILED, ItemState.IN_DOUBT, ItemState.CANCELLED), MOST_FAILURES)
    failed = [item for item in ended if item["state"] != ItemState.CANCELLED or item["ticket"]]
    short = [item for item in index.items(row["id"], (ItemState.COMPLETED,)) if item["reason"]][:MOST_FAILURES]
    papers: dict[str, Any] = {}
    if plan_of(row).stages:
        papers["stages"] = dependencies.counts(index, row["id"])
    warnings: list[dict[str, Any]] = [{"text": str(warning)} for warning in plan_of(row).warnings]
    warnings += budget.overruns(index, row["id"], MOST_FAILURES)
    if failed:
        papers["failures"] = [{"item": i["number"], "state": i["state"], "reason": i["reason"]} for i in failed]
    if warnings or short:
        papers["warnings"] = warnings + [{"item": i["number"], "text": i["reason"]} for i in short]
    return head + (documents.dump_yaml(papers) if papers else "")


def _receipt_head(
    row: Row, state: OrderState, counts: Mapping[str, int], money: Mapping[str, float], notes: Sequence[str] = ()
) -> str:
    """`money`: of `budget.money`; empty before anything was sent."""
    value: dict[str, Any] = {
        "order_id": row["id"], "name": row["name"], "project": row["project"], "state": str(state),
        "accepted_at": row["accepted_at"],
        "items": {"total": row["total_items"], **{str(each): counts[each] for each in ItemState if counts.get(each)}},
        "products_planned": row["total_products"],
        "cost": {"estimated_usd": usd(row["price"]), "spent_usd": 0.0, "reserved_usd": 0.0, "in_doubt_usd": 0.0,
                 "released_usd": 0.0, **money, "cap_usd": usd(row["cap"])},
    }  # fmt: skip
    value |= {"rehearsal": True} if row["rehearsal"] else {}
    value |= {"reasons": list(notes)} if notes else {}
    return documents.dump_yaml(value)


def rejection_text(name: str, problems: Sequence[Problem]) -> str:
    lines = [f"{name} could not be taken. Nothing of it was sent.", ""]
    lines += [f"- {problem}" for problem in problems]
    return "\n".join([*lines, "", "Correct the file and drop it into the Inbox again.", ""])


def hold_text(name: str, studies: Sequence[Study]) -> str:
    lines = [f"{name} waits for you. Nothing of it was sent.", ""]
    for study in studies:
        price = study.needs.buying.price
        known = "price unknown" if price is None else f"at most {dollars(price)}"
        counts = f"{study.plan.total_items} items, {study.plan.total_products} products"
        lines.append(f"{study.order.name}: {counts}, {known}.")
        lines += [f"  - {reason.text}" for reason in study.reasons]
    waivable = all(reason.waivable for study in studies for reason in study.reasons)
    approve = [f"To approve: move {name} from Held to Inbox."] if waivable else []
    return "\n".join([*lines, "", *approve, f"To cancel: put {name} in the bin.", ""])


def proof_name(rows: Sequence[Row]) -> str:
    """Of what lies in Held after the proof: one document, named as its order's folder; of several, as their file."""
    stem = Path(rows[0]["file"]).stem if len(rows) > 1 else rows[0]["name"]
    return f"{folder_name(stem, bool(rows[0]['rehearsal']))}.yaml"


def proof_document(rows: Sequence[Row]) -> bytes:
    texts = [document_bytes(row["document"]) for row in rows]
    return texts[0] if len(rows) == 1 else b"\n---\n".join(text.strip() for text in texts) + b"\n"


def proof_text(name: str, done: Sequence[tuple[str, str]]) -> str:
    """`done`: each order's name, and the words about its proof."""
    lines = [f"{name} waits for you: look at what was made first.", ""]
    lines += [f"{order}: {words}" for order, words in done]
    return "\n".join([
        *lines, "", f"To have the rest made: move {name} from Held to Inbox, or `artfactoryd approve`.",
        f"To end it: put {name} in the bin. What was made stays.", "",
    ])  # fmt: skip


def held_again_text(name: str, row: Row) -> str:
    """When Held/ itself was lost."""
    sent = "" if row["folder"] else " Nothing of it was sent."
    words = "\n".join(reason["text"] for reason in row["held"])
    return f"{name} waits for you.{sent}\n\n{words}\n"


def left_text(name: str, order: str, taken: bool) -> str:
    """The word beside what came with an order and is not kept in its folder."""
    if not taken:
        return f"{name} came with {order}, which was cancelled before anything of it was sent.\n"
    what = f"what is left of {order}: its order was taken" if name == order else f"{name} came with {order}"
    return f"This is {what}, but no order in it names these files. To use one, name it in an order beside it.\n"


def unwaivable_text(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    reasons = [f"  - {reason['text']}" for row in rows for reason in row["held"]]
    words = [f"{name} still waits for you: approving is not enough for this.", "", *reasons, ""]
    return "\n".join([*words, f"To cancel: put {name} in the bin.", ""])
