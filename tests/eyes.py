"""A decoder in the test's own process: what a look comes to is what matters, and a process for each costs too much.

The real one is tried by `execution/shelving/test_eye` and by the whole program in `test_crashes`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from artfactoryd.execution.shelving.eye import Eye, Glance, Thumbnails, request_for
from artfactoryd.shelf import looker


class NearEye(Eye):
    async def look(self, path: Path, megapixels: float, thumbnails: Thumbnails | None = None) -> Glance:
        answer: dict[str, Any] = await asyncio.to_thread(looker.look, request_for(path, megapixels, thumbnails))
        return Glance(**answer)
