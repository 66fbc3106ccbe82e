"""How long a film or a sound is asked to be."""

from __future__ import annotations

from artfactoryd.core.json_types import Parameters
from artfactoryd.core.pricing.amounts import NUMBER
from artfactoryd.core.pricing.told import SECONDS

MILLISECONDS = ("music_length_ms", "duration_ms")


def seconds_asked(parameters: Parameters) -> float | None:
    """With the defaults of the model among them. None where nothing says it, or only that the model decides."""
    for names, per in ((SECONDS, 1), (MILLISECONDS, 1000)):
        for name in names:
            value = parameters.get(name)
            told = NUMBER.fullmatch(str(value)) if isinstance(value, int | float | str) else None
            if told and not isinstance(value, bool):
                return float(told[1]) / per
    return None
