"""Loaded once in the process that all others are forked from; none of it begins a thread."""

from __future__ import annotations

import encodings.idna
import gc

import keyring.backends.null
import orjson
import replicate

from artfactoryd.cli.program import COMMANDS, load_command
from artfactoryd.factories import fal, local, registry
from artfactoryd.factories import replicate as door
from artfactoryd.factories.local import sketch
from artfactoryd.planning.models import shipped_models
from tests import forks
from tests.emulator import __main__, client

LOADED = (
    keyring, replicate, orjson, encodings.idna, *map(load_command, COMMANDS), fal, local, sketch, door,
    shipped_models(), registry.makers(), forks, client, __main__,
)  # fmt: skip
gc.collect()
gc.freeze()  # what is never freed need not be copied
