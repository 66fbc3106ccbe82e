"""A decoder in the test's own process: what a look comes to is what matters, and a process for each costs too much.

The real one is tried by `execution/shelving/test_eye` and by the whole program in `test_crashes`.
"""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

from PIL import Image

from artfactoryd.core.sheets.sheet import Sheet
from artfactoryd.durable import write_note
from artfactoryd.execution.shelving.eye import Eye, Glance
from artfactoryd.shelf import looker
from artfactoryd.shelf.sheets import marks


class NearEye(Eye):
    async def _answer(self, request: dict[str, Any], megapixels: float, longest: float) -> Glance:
        if "sheet" in request:
            return _drawn(request)
        made: dict[str, Any] = await asyncio.to_thread(looker.answer, request)
        return Glance(**made)


def _drawn(request: dict[str, Any]) -> Glance:
    """A sheet with its mark, and little on it: how it looks is tried in `shelf/sheets`."""
    sheet = Sheet.from_json(request["sheet"])
    mark = marks.Mark(sheet.order, sheet.page, sheet.digest)
    return Glance("" if write_note(Path(request["target"]), marks.marked(TINY, mark)) else None)


_tiny = io.BytesIO()
Image.new("L", (1, 1)).save(_tiny, "JPEG")
TINY = _tiny.getvalue()
