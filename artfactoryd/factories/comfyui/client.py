"""A ComfyUI of one's own over the wire: where it is, and what it means that it does not answer there."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from artfactoryd.core.json_types import Value
from artfactoryd.errors import AskAgain, Unreachable
from artfactoryd.factories.http.account import Account
from artfactoryd.factories.http.answer import Answer, named
from artfactoryd.factories.http.transport import (
    LOOPBACK,
    READ,
    TOO_LARGE_AGAIN,
    AnswerTooLarge,
    hidden_by_mac,
    no_answer,
)
from artfactoryd.settings.addresses import is_loopback

USUAL = "http://127.0.0.1:8188"


class ComfyClient(Account):
    """Without a key: who can reach a ComfyUI may use it."""

    def __init__(self, base: str) -> None:
        super().__init__("ComfyUI", "", {}, [base], "")
        self.base = base

    def want_of_key(self) -> str:
        return ""

    async def ask(self, method: str, address: str, seconds: float = READ) -> Answer:
        return await self._asked(method, address, seconds, None, "")

    async def tell(self, path: str, document: Mapping[str, Value]) -> Answer:
        """A POST that makes nothing: to cancel. Raises as `ask` does."""
        return await self._asked("POST", f"{self.base}{path}", READ, json.dumps(document).encode(), "application/json")

    async def put(self, path: str, body: bytes, kind: str, seconds: float) -> Answer:
        """A file that is put there; may be done again. Raises as `ask` does."""
        return await self._asked("POST", f"{self.base}{path}", seconds, body, kind)

    async def _asked(self, method: str, address: str, seconds: float, body: bytes | None, kind: str) -> Answer:
        wire, answer = await self.wire(), Answer("", True)
        try:
            await wire.ask(method, address, answer, seconds, body, kind)
        except AnswerTooLarge as error:
            raise AskAgain(f"ComfyUI answers, and {error}.", TOO_LARGE_AGAIN) from error
        except no_answer() as error:
            raise Unreachable(f"ComfyUI does not answer at {self.base}: {why_not(error, self.base)}.") from error
        return answer


def why_not(error: Exception | None, base: str) -> str:
    """Why nothing came from there, and what to do."""
    host = urlsplit(base).hostname or ""
    if hidden := hidden_by_mac(error, host):
        return f"{named(error, '')}. {hidden}"
    if host in LOOPBACK:
        return f"{named(error, '')}; is it running? Its address is providers.comfyui.base_url"
    return f"{named(error, '')}; is it running there, with --listen? Its address is providers.comfyui.base_url"


def shows_key(base: str) -> bool:
    """Whether others could read what is sent there."""
    parts = urlsplit(base)
    return parts.scheme != "https" and not is_loopback(parts.hostname or "")


def form(fields: Mapping[str, str], file: str, data: bytes, mime: str) -> tuple[bytes, str]:
    """A multipart form with an image in it, and its media type."""
    mark = secrets.token_hex(16)
    said = "Content-Disposition: form-data; name="
    parts = [f'--{mark}\r\n{said}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    parts.append(f'--{mark}\r\n{said}"image"; filename="{file}"\r\nContent-Type: {mime}\r\n\r\n')
    body = b"".join(["".join(parts).encode(), data, f"\r\n--{mark}--\r\n".encode()])
    return body, f"multipart/form-data; boundary={mark}"
