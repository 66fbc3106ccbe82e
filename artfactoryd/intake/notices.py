"""The papers about an order that lie beside the pictures: the order itself, its resolved form, the receipt,
and the words about what was held or rejected."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from artfactoryd.core.inbox_rules import RESOLVED, Word, no_order
from artfactoryd.core.money import dollars
from artfactoryd.core.names import counted
from artfactoryd.core.slug import folder_name
from artfactoryd.credentials import KEY_VARIABLES
from artfactoryd.errors import Problem
from artfactoryd.planning.accepted import document_bytes
from artfactoryd.planning.planner import Study
from artfactoryd.storage.rows import SHORT, OrderRow


def poison(name: str) -> Problem:
    fix = "It is set aside; look at what is unusual in it."
    return Problem("E_POISON", "reading this ended the program three times.", fix, file=name)


def defect(name: str, claim: str, error: Exception) -> Problem:
    message = f"a defect of this program keeps it from being read ({type(error).__name__}); the file may be right."
    fix = f"The log tells more: artfactoryd logs --order {claim}. Please report it; the file is only set aside."
    return Problem("E_DEFECT", message, fix, file=name)


def rejection_text(name: str, problems: Sequence[Problem], *, was_submitted: bool = False) -> str:
    again = "submit it" if was_submitted else "drop it into the Inbox"
    lines = [f"{name} could not be taken. Nothing of it was sent.", ""]
    lines += [f"- {problem}" for problem in problems]
    return "\n".join([*lines, "", f"Correct the file and {again} again.", ""])


def stray_text(name: str, what: str, advice: str) -> str:
    return no_order(name, Word(what, advice), "\n\n") + "\n"


def hold_text(name: str, studies: Sequence[Study], order_id: str, agent: str = "") -> str:
    """`order_id`: the first one's. `agent`: who handed it in, empty of a person."""
    lines = [f"{name} waits for you. Nothing of it was sent.", ""]
    for study in studies:
        price = study.needs.buying.price
        known = "price unknown" if price is None else f"at most {dollars(price)}"
        counts = f"{counted(study.plan.total_items, 'item')}, {counted(study.plan.total_products, 'product')}"
        lines.append(f"{study.order.name}: {counts}, {known}.")
        lines += [f"  - {reason.text}" for reason in study.reasons]
    waivable = all(reason.waivable for study in studies for reason in study.reasons)
    approve = [f"To approve: {_way_to_approve(name, order_id[:SHORT], agent)}"] if waivable else []
    return "\n".join([*lines, "", *approve, f"To cancel: put {name} in the bin.", ""])


def _way_to_approve(name: str, short: str, agent: str) -> str:
    command = f"`artfactoryd approve {short}`"
    if agent:
        return f"{command}, or the page. The agent {agent} asked for it, so moving it to the Inbox does not."
    return f"move {name} from Held to Inbox, or {command}."


def no_key_text(row: OrderRow, folder: Path, providers: Sequence[str]) -> str:
    """Of an order that is accepted, in `folder`. `providers`: those that have no key."""
    who, name = " and ".join(providers), row.name if row.submission else row.file
    keys = ", ".join(f"`artfactoryd keys set {provider}`" for provider in providers)
    settings = ", ".join(f"providers.{provider}.api_key" for provider in providers)
    places = ", ".join(KEY_VARIABLES.get(provider, f"providers.{provider}.api_key") for provider in providers)
    return "\n".join([
        f"{name} is accepted, and waits: there is no key for {who}. Nothing of it was sent.", "",
        "Three ways out:", "",
        f"1. Give the key; then it starts by itself. {keys} asks for it, and puts it into the",
        f"   keychain. Or set it in the environment that starts artfactoryd ({places}),",
        f"   or say in artfactory.yaml where it is ({settings}).",
        "2. See for nothing what it would make, drawn here by a model that needs no key:",
        f"   artfactoryd submit --rehearse --wait {shlex.quote(str(folder / RESOLVED))}",
        f"3. End it: artfactoryd cancel {row.short}", "",
        "This text only tells. To throw it away changes nothing, and ends nothing.", "",
    ])  # fmt: skip


def proof_name(rows: Sequence[OrderRow]) -> str:
    """Of what lies in Held after the proof: one document, named as its order's folder; of several, as their file."""
    stem = Path(rows[0].file).stem if len(rows) > 1 else rows[0].name
    return f"{folder_name(stem, bool(rows[0].rehearsal))}.yaml"


def proof_document(rows: Sequence[OrderRow]) -> bytes:
    texts = [document_bytes(row.document) for row in rows]
    return texts[0] if len(rows) == 1 else b"\n---\n".join(text.strip() for text in texts) + b"\n"


def proof_text(name: str, done: Sequence[tuple[str, str]], first: OrderRow) -> str:
    """`done`: each order's name, and the words about its proof; `first`: of the orders."""
    lines = [f"{name} waits for you: look at what was made first.", ""]
    lines += [f"{order}: {words}" for order, words in done]
    return "\n".join([
        *lines, "", f"To have the rest made: {_way_to_approve(name, first.short, first.agent)}",
        f"To end it: put {name} in the bin. What was made stays.", "",
    ])  # fmt: skip


def held_again_text(name: str, row: OrderRow) -> str:
    """When Held/ itself was lost."""
    sent = "" if row.folder else " Nothing of it was sent."
    words = "\n".join(reason.text for reason in row.reasons)
    return f"{name} waits for you.{sent}\n\n{words}\n"


def left_text(name: str, order: str, taken: bool) -> str:
    """The word beside what came with an order and is not kept in its folder."""
    if not taken:
        return f"{name} came with {order}, which was cancelled before anything of it was sent.\n"
    what = f"what is left of {order}: its order was taken" if name == order else f"{name} came with {order}"
    return f"This is {what}, but no order in it names these files. To use one, name it in an order beside it.\n"


def unwaivable_text(name: str, rows: Sequence[OrderRow]) -> str:
    """What was moved to the Inbox, and lies in Held again."""
    reasons = [f"  - {reason.text}" for row in rows for reason in row.reasons]
    why, approve = "approving is not enough for this", list[str]()
    if all(reason.waivable for row in rows for reason in row.reasons):
        why = "what an agent asked for is not approved by moving it"
        approve = [f"To approve: {_way_to_approve(name, rows[0].short, rows[0].agent)}"]
    words = [f"{name} still waits for you: {why}.", "", *reasons, "", *approve]
    return "\n".join([*words, f"To cancel: put {name} in the bin.", ""])
