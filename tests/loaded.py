"""Loaded once in the process that all others are forked from; none of it begins a thread."""

from __future__ import annotations

import gc

import keyring.backends.null
import replicate

from artfactoryd import cli
from artfactoryd.cli import init, logs
from artfactoryd.cli import orders as show
from artfactoryd.cli import run as session
from artfactoryd.cli import service as installing
from artfactoryd.cli.doctor import machine
from artfactoryd.factories import local
from artfactoryd.factories import replicate as door
from artfactoryd.planning import preview
from artfactoryd.web import server
from tests.emulator import __main__

LOADED = (
    keyring, replicate, cli, machine, installing, logs, preview, session, init, show, server, local, door, __main__,
)  # fmt: skip
gc.freeze()  # what is never freed need not be copied
