"""At a start: an index that is missing, cannot be read, or is to be elsewhere from now on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from artfactoryd.home import Home
from artfactoryd.shelf import reading
from artfactoryd.storage.database import is_there, is_unreadable
from artfactoryd.storage.engines import places, whereabouts
from artfactoryd.storage.engines.places import Into
from artfactoryd.storage.engines.whereabouts import Address
from artfactoryd.storage.months import months
from artfactoryd.storage.rebuild import Tell, nobody, reindex
from artfactoryd.storage.writer import Expander

log = logging.getLogger(__name__)


def mend(
    home: Home, expander: Expander, clock: Callable[[], datetime], tell: Tell = nobody, into: Into = places.as_it_is
) -> None:
    """At a start: an index that is missing, cannot be read, or is to be elsewhere from now on, is made again."""
    wanted = into(home.index_file)
    if wanted is not None:
        places.check_owner(wanted, home.identity.id)
    _mend(home, expander, clock, tell, wanted)
    if wanted is not None:
        places.own(wanted, home.identity.id)


def _mend(home: Home, expander: Expander, clock: Callable[[], datetime], tell: Tell, wanted: Address | None) -> None:
    stays = wanted == places.as_it_is(home.index_file)
    if stays and is_there(home.index_file):
        if not is_unreadable(home.index_file):
            return
    elif not months(home.ledger) and next(reading.walk(home.projects), None) is None:
        if not stays:
            whereabouts.write(home.index_file, wanted)
        return
    why = "is missing or cannot be read" if stays else "is to be elsewhere from now on"
    log.warning("the index %s; it is made again from the ledger and the shelf", why)
    home.tell({"waits": "The index is made again from the ledger and the shelf; then the work goes on."})
    for difference in reindex(home, expander, clock, tell, into=lambda path: wanted).differences:
        log.warning("the index is made again: %s", difference)
    home.tell({"waits": None})
    tell("", 0, 0)
