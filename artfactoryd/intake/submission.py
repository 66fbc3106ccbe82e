"""An order put into the inbox by one rename, as a bundle that carries what its file cannot say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import uuid_utils

from artfactoryd.core.inbox_rules import SUBMITTED
from artfactoryd.core.json_types import Json
from artfactoryd.core.slug import slug
from artfactoryd.durable import copy, make_folders, rename, write_file
from artfactoryd.medium import flush_folder

ORDER = "order.yaml"
LONGEST = 60  # characters of the name in the bundle's
MARK = 8  # characters of the submission's id at the end of it


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of an order beside its bytes. `name`: of the order; `file`: as it was called."""

    name: str
    file: str
    rehearse: bool = False
    git: Json | None = None


def submit_bundle(order: bytes, beside: Mapping[str, bytes], told: Told, inbox: Path, temp: Path) -> tuple[Path, str]:
    """The bundle's place in the inbox, and the submission's id. `beside`: the files that it names; `temp`: a folder on
    the home's disk. Raises OSError."""
    submission = str(uuid_utils.uuid7())
    bundle = inbox / f"{slug(told.name, LONGEST)}-{submission[-MARK:]}"
    made = temp / bundle.name
    make_folders(made)
    write_file(made / ORDER, order)
    for name, data in beside.items():
        make_folders((made / name).parent)
        write_file(made / name, data)
    document = {"id": submission, "name": told.name, "file": told.file, "rehearse": told.rehearse, "git": told.git}
    write_file(made / SUBMITTED, json.dumps(document, ensure_ascii=False).encode())
    lay_down(made, bundle)
    return bundle, submission


def lay_down(made: Path, bundle: Path) -> None:
    """By one rename, whole."""
    try:
        rename(made, bundle)
    except OSError:  # the inbox is on another disk: complete under a name that is passed over, then one rename
        hidden = bundle.with_name(f".{bundle.name}.tmp")
        copy(made, hidden)
        rename(hidden, bundle)
        shutil.rmtree(made)
    flush_folder(bundle.parent)


def rejections_of(rejected: Path, submission: str) -> list[Path]:
    """The word beside this submission's bundle; the bundle itself comes after its word."""
    words = rejected.glob(f"*-{submission[-MARK:]}.error.txt")
    return [path for path in words if path.with_name(path.name.removesuffix(".error.txt")).is_dir()]
