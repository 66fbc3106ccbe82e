"""Loaded once in the process that all others are forked from; none of it begins a thread."""

from __future__ import annotations

import gc

import keyring.backends.null
import replicate

from artfactoryd import cli, doctor, installing, logs, planning, session, setup, show, status
from artfactoryd.factories import local
from artfactoryd.factories import replicate as door
from tests.emulator import __main__

LOADED = (
    keyring, replicate, cli, doctor, installing, logs, planning, session, setup, show, status, local, door, __main__,
)  # fmt: skip
gc.freeze()  # what is never freed need not be copied
