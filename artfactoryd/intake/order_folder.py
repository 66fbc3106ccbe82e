"""An accepted order's folder in Projects, with its papers and the pictures it names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from artfactoryd import __version__, documents
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.expansion.resolved import written_out
from artfactoryd.core.json_types import Json
from artfactoryd.core.slug import folder_name
from artfactoryd.errors import OutputBad
from artfactoryd.home import Home
from artfactoryd.planning import inputs
from artfactoryd.planning.accepted import document_bytes
from artfactoryd.reporting.receipt import first_receipt
from artfactoryd.shelf import order_folders, presence
from artfactoryd.storage.rows import OrderRow


def open_folder(
    home: Home, row: OrderRow, plan: Plan, lying: Callable[[Json], Path] | None, original: bytes | None = None, *,
    is_new: bool = False,
) -> Path:  # fmt: skip
    """`Projects/PROJECT/DATE/NAME` with its papers and inputs, durable; the same folder for the same order id.

    `lying`: where a picture that the order names lies. `original`: the document where the books keep it without the
    queries of its addresses. `is_new`: nobody has begun its folder.
    """
    presence.check(home)
    date = datetime.fromisoformat(row.accepted_at).astimezone().strftime("%Y-%m-%d")
    document = original or document_bytes(row.document)
    files: dict[str, bytes | Callable[[], bytes]] = {
        "order.yaml": document,
        "order.resolved.yaml": resolved(row, plan).encode(),
        "receipt.yaml": first_receipt(row).encode(),
    }
    for picture in row.inputs:
        if lying is None:
            raise OutputBad(f"The claim of order {row.id} is gone, and with it {picture['value']}.")
        files[f"inputs/{picture['name']}"] = partial(inputs.read, lying(picture), picture)
    project = order_folders.existing_project(home.projects, row.project)
    name = folder_name(row.name, bool(row.rehearsal))
    folder = order_folders.open_order_folder(
        home.projects,
        project,
        date,
        name,
        row.id,
        files,
        lambda: project_document(row).encode(),
        is_new=is_new,
    )
    presence.remember(home)
    return folder


def project_document(row: OrderRow) -> str:
    return documents.dump_yaml(
        {"id": row.id, "name": row.project, "description": "", "status": "active", "tags": [], "featured": None}
    )


def resolved(row: OrderRow, plan: Plan) -> str:
    """The same order with everything it borrowed written out: drop it anywhere, get the same items."""
    value = written_out(plan, {picture["value"]: f"inputs/{picture['name']}" for picture in row.inputs})
    comment = [
        f"# Order {row.id}, accepted {row.accepted_at} by artfactoryd {__version__}",
        f"# from {row.file!r}, document {row.number}, sha256 {row.document_sha256}",
    ]
    for picture in row.inputs:
        comment.append(f"# {'inputs/' + picture['name']!r} sha256 {picture['sha256']}{_from(picture)}")
    return "\n".join([*comment, documents.dump_yaml(value)])


def _from(picture: Json) -> str:
    return f" from {picture['source']!r}" if picture.get("source") else ""
