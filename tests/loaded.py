"""Loaded once in the process that all others are forked from; none of it begins a thread."""

from __future__ import annotations

import gc

import keyring.backends.null
import replicate

from artfactoryd.cli.program import COMMANDS, load_command
from artfactoryd.factories import fal, local
from artfactoryd.factories import replicate as door
from artfactoryd.planning.models import shipped_models
from tests.emulator import __main__

LOADED = (keyring, replicate, *map(load_command, COMMANDS), fal, local, door, __main__, shipped_models())
gc.freeze()  # what is never freed need not be copied
