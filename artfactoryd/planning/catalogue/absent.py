"""Models of this machine that need a library which not every installation has: without it they are not offered."""

from __future__ import annotations

from artfactoryd.errors import Problem
from artfactoryd.factories.local.upscaling import engine

_LACKS = {("local", "upscale"): engine.lack}  # by provider and id: in words what is missing


def lack(provider: str, name: str) -> str:
    """Why it cannot be had here, and the way out; empty where it can."""
    asked = _LACKS.get((provider, name))
    return asked() if asked else ""


def problem(name: str, why: str) -> Problem:
    sentence, _, way_out = why.partition(". ")
    return Problem("E_MODEL", f"{name} cannot be had here: {sentence.rstrip('.')}.", way_out, ("model",))


def words(name: str) -> str:
    """Of one asked for by its name alone; empty where none of that name is absent."""
    for provider, known in _LACKS:
        if known == name and (why := lack(provider, known)):
            told = problem(name, why)
            return f"{told.message} {told.fix}".rstrip()
    return ""
