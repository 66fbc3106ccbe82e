"""An order understood, its providers asked about models that are not known here, or not wholly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from artfactoryd.clock import now
from artfactoryd.factories.registry import asking
from artfactoryd.home import Home
from artfactoryd.planning.model_choice import Heard, ModelsUnknown, Name
from artfactoryd.planning.model_discovery import Descriptions
from artfactoryd.planning.origin import Origin
from artfactoryd.planning.planner import Scholar, Study
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index

NOBODY_ASKED = "nobody is asked while an order is looked at here."


def understood(
    home: Home, settings: Settings, index: Index | None, data: bytes, origin: Origin,
    environ: Mapping[str, str] | None,
) -> list[Study]:  # fmt: skip
    """As a daemon would: providers are asked about models that are not known here. Raises Refusal.

    Where nobody is asked, a model of a person's own file stands as it was when its provider was asked last.
    """
    scholar = Scholar(home, settings, index, now)
    try:
        return scholar.study(data, origin)
    except ModelsUnknown as unknown:
        if environ is not None and unknown.names:
            heard = asyncio.run(_asked(home, settings, environ, unknown.names))
        else:
            own = [name for name in unknown.names if scholar.catalog().find(*name)]
            if not own:
                raise
            heard = Heard(silent=dict.fromkeys(own, NOBODY_ASKED))
    return Scholar(home, settings, index, now, heard).study(data, origin)


async def _asked(home: Home, settings: Settings, environ: Mapping[str, str], names: Sequence[Name]) -> Heard:
    async with asking(home, settings, environ) as factories:
        return await Descriptions(home.told, factories, files=home.models).learn(names)
