"""The account at Replicate: questions and creates over our own wire, uploads through the official client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from artfactoryd.errors import AskAgain, Unreachable
from artfactoryd.factories.http.account import no_key
from artfactoryd.factories.http.answer import Answer, named
from artfactoryd.factories.http.library_wire import LibraryWire, UploadingAccount
from artfactoryd.factories.http.transport import READ, TOO_LARGE_AGAIN, UPLOAD, AnswerTooLarge, Wire
from artfactoryd.factories.library import require

if TYPE_CHECKING:
    import httpx
    from replicate.client import Client

LIBRARY = "replicate"
FILES = "/v1/files"
NO_KEY = no_key("Replicate", "replicate")


def authorization(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


class ReplicateClient(UploadingAccount["Client"]):
    def __init__(self, key: str, base: str) -> None:
        """`base`: the one address that the key is sent to."""
        super().__init__("Replicate", key, authorization(key), [base], NO_KEY)
        self._base = base

    async def send_file(self, name: str, data: bytes, mime: str) -> Answer:
        """As `ask`, with a time limit for a slow line."""
        import httpx

        client = await self.library()
        try:
            async with asyncio.timeout(READ + len(data) / UPLOAD):
                form = {"content": (name, data, mime)}
                response = await client._async_client.request("POST", FILES, files=form)
        except AnswerTooLarge as error:
            raise AskAgain(f"Replicate was sent {name}, and {error}.", TOO_LARGE_AGAIN) from error
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            raise Unreachable(f"{name} could not be sent to Replicate: {named(error, self.key)}.") from error
        return Answer(self.key, True, response.status_code, response.headers, bytearray(response.content))

    def _load(self) -> None:
        require(LIBRARY)  # once more: it may have been exchanged since this process began
        import replicate  # noqa: F401

    async def _build(self, wire: Wire) -> Client:
        from replicate.client import Client

        # Key and address are given outright: left out, the library looks for them in the environment.
        client = Client(self.key, base_url=self._base, transport=LibraryWire(wire, _uploads), follow_redirects=False)
        retries = client._async_client._transport
        if not hasattr(retries, "max_attempts"):
            raise RuntimeError("this release of the replicate library hides its retries; 1.0.7 does not")
        retries.max_attempts = 1
        return client


def _uploads(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path.endswith(FILES)
