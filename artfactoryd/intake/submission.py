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
from artfactoryd.core.names import nfc
from artfactoryd.core.slug import slug
from artfactoryd.durable import copy, make_folders, rename, write_file
from artfactoryd.medium import flush_folder
from artfactoryd.printable import printable

ORDER = "order.yaml"
LONGEST = 60  # characters of the name in the bundle's
LONGEST_NAME = 80
WRITTEN = "order"  # what an order is called that nobody gave a name
AGENT = "agent"  # who has no name of its own
LONGEST_AGENT = 40  # characters
MARK = 8  # characters of the submission's id at the end of it


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of an order beside its bytes. `name`: of the order; `file`: as it was called; `agent`: who hands it
    in, empty of a person."""

    name: str
    file: str
    rehearse: bool = False
    git: Json | None = None
    agent: str = ""

    def document(self, submission: str) -> bytes:
        """As it goes with the order, in SUBMITTED."""
        told = {"id": submission, "name": self.name, "file": self.file, "rehearse": self.rehearse, "git": self.git}
        return json.dumps(told | ({"agent": self.agent} if self.agent else {}), ensure_ascii=False).encode()


def order_name(given: str) -> str:
    """Of an order that somebody wrote into a form, and of the file it would be; WRITTEN where nothing of it is left."""
    return " ".join(printable(given).replace("/", " ").split())[:LONGEST_NAME].strip(". ") or WRITTEN


def agent_name(given: str) -> str:
    """What an agent is called here: letters, digits and a few signs, cut to LONGEST_AGENT. AGENT where nothing of it is
    left."""
    plain = "".join(sign if sign.isalnum() or sign in " ._-" else " " for sign in nfc(given))
    return " ".join(plain.split())[:LONGEST_AGENT].strip(" .-_") or AGENT


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
    write_file(made / SUBMITTED, told.document(submission))
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
