"""Whether the disk has room for what is on its way and one more item."""

from __future__ import annotations

import os
import shutil

from artfactoryd.home import Home
from artfactoryd.settings import Settings
from artfactoryd.shelf import presence
from artfactoryd.storage.index import Index


def no_room(home: Home, settings: Settings, index: Index | None = None) -> str:
    """Words when nothing new may be sent because the disk is nearly full, read-only or away; else empty.

    With an index, what is on its way must find room too, and one more item.
    """
    if words := presence.away(home):
        return f"{words} Nothing new is sent until it is."
    least = settings.limits.free_disk_bytes
    coming = (index.outputs_on_the_way() + 1) * index.usual_bytes() if index else 0
    for folder in (home.root, home.projects):
        try:
            free, read_only = shutil.disk_usage(folder).free, os.statvfs(folder).f_flag & os.ST_RDONLY
        except OSError as error:
            return f"{folder} cannot be reached ({error.strerror}); nothing new is sent until it can."
        if read_only:
            return f"The disk of {folder} is read-only; nothing new is sent until it can be written again."
        if free < least + coming:
            beside = ""
            if free >= least:
                beside = f" beside the {max(coming // 1_000_000, 1)} MB that what is on its way may take"
            too_little = f"Less than {least // 1_000_000} MB are free on the disk of {folder}"
            return f"{too_little}{beside}; nothing new is sent until there is."
    return ""
