"""The lines that make orders of what was dropped. Ids are the claim's own: document 2 is the claim's id plus 1."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from artfactoryd.core.expansion.hold_reasons import Reason
from artfactoryd.core.json_types import Json
from artfactoryd.core.line_values import HoldReason
from artfactoryd.intake.claim import Claim
from artfactoryd.planning import inputs
from artfactoryd.planning.planner import Study
from artfactoryd.storage.events import Acceptance, Hold


def order_id(claim: str, number: int) -> str:
    return str(uuid.UUID(int=uuid.UUID(claim).int + number - 1))


def acceptance(claim: Claim, study: Study, clock: Callable[[], datetime], git: Json | None) -> Acceptance:
    submission = claim.submission()
    plan, order = study.plan, study.order
    signed = inputs.written_down(study.inputs)
    pictures = [
        replace(one, value=signed.get(one.value, one.value), source=signed.get(one.source, one.source))
        for one in study.inputs
    ]  # fmt: skip
    models = [replace(model, price=plan.price_of(stage)).snapshot() for stage, model in enumerate(plan.all_models)]
    return Acceptance(
        order=order_id(claim.id, study.document.number), claim=claim.id,
        number=study.document.number, submission=submission.get("id"), name=order.name,
        project=order.project, folder=None, provider=study.provider,
        model=models[0], models=models if len(models) > 1 else [],
        document=inputs.unsigned_document(study.document.text, signed), document_sha256=study.sha256,
        fingerprint=study.fingerprint, file=claim.name, git=git,
        accepted_at=clock().isoformat(timespec="milliseconds"), base_seed=plan.base_seed,
        priority=order.priority, rehearsal=order.rehearse, tags=list(order.tags), notes=order.notes,
        cap=study.cap, price=study.needs.buying.price, total_items=plan.total_items,
        total_products=plan.total_products, inputs=[picture.as_json() for picture in pictures],
        library=inputs.unsigned_parts(dict(study.library), signed), proof=list(study.proof) or None,
        agent=claim.agent, content=study.content,
    )  # fmt: skip


def hold(claim: Claim, study: Study, entry: str, fingerprint: str) -> Hold:
    reasons = study.reasons or (Reason("companion", "Another document of the same file is held."),)
    return Hold(
        order=order_id(claim.id, study.document.number), entry=entry, fingerprint=fingerprint,
        reasons=[HoldReason(reason.code, reason.text, reason.waivable) for reason in reasons],
    )  # fmt: skip
