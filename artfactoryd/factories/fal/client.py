"""The account at fal: questions and creates over our own wire, uploads through the official client.

Left to itself the library sends a create up to ten times, finds keys of its own, and writes its own hosts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack

from artfactoryd.core.json_types import JsonValue
from artfactoryd.errors import AskAgain, Unreachable
from artfactoryd.factories.http.account import no_key
from artfactoryd.factories.http.answer import Answer, named
from artfactoryd.factories.http.library_wire import LibraryWire, UploadingAccount
from artfactoryd.factories.http.transport import TOO_LARGE_AGAIN, AnswerTooLarge, Wire
from artfactoryd.factories.library import require

if TYPE_CHECKING:
    import httpx

LIBRARY = "fal-client"
NO_KEY = no_key("fal", "fal")


@dataclass(frozen=True, slots=True)
class Hosts:
    """The addresses of fal's services, by the names of their settings; none ends in a slash."""

    queue_url: str = "https://queue.fal.run"
    rest_url: str = "https://rest.fal.ai"
    cdn_url: str = "https://v3.fal.media"
    platform_url: str = "https://api.fal.ai/v1"

    @classmethod
    def configured(cls, addresses: Mapping[str, str]) -> Hosts:
        """As the settings say, and as usual where they say nothing."""
        return cls(**{name: (addresses.get(name) or usual).rstrip("/") for name, usual in ADDRESSES.items()})

    @property
    def all(self) -> dict[str, str]:
        return asdict(self)


ADDRESSES = Hosts().all


class Parts(TypedDict, total=False):
    """What is sent with an upload, by httpx's names."""

    headers: Mapping[str, str]
    content: bytes
    json: JsonValue


def authorization(key: str) -> dict[str, str]:
    return {"Authorization": f"Key {key}"}


class FalClient(UploadingAccount["httpx.AsyncClient"]):
    def __init__(self, key: str, hosts: Hosts) -> None:
        super().__init__("fal", key, authorization(key), hosts.all.values(), NO_KEY)
        self._hosts = hosts

    async def upload(self, address: str, seconds: float, **parts: Unpack[Parts]) -> Answer:
        """A POST to one of the two addresses that take files. Raises as `ask` does."""
        import httpx

        http = await self.library()
        try:
            async with asyncio.timeout(seconds):
                response = await http.request("POST", address, **parts)
        except AnswerTooLarge as error:
            raise AskAgain(f"fal answers, and {error}.", TOO_LARGE_AGAIN) from error
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise Unreachable(f"fal does not answer: {named(error, self.key)}; is the network up?") from error
        return Answer(self.key, True, response.status_code, response.headers, bytearray(response.content))

    def _load(self) -> None:
        require(LIBRARY)  # once more: it may have been exchanged since this process began
        import fal_client  # noqa: F401

    async def _build(self, wire: Wire) -> httpx.AsyncClient:
        import httpx
        from fal_client import client as library

        if not isinstance(getattr(library, "MAX_ATTEMPTS", None), int):
            raise RuntimeError("this release of fal-client hides its retries; 1.0.3 does not")
        library.MAX_ATTEMPTS = 1
        # The key is given outright: left out, the library looks for one in the environment and on the disk.
        client = library.AsyncClient(key=self.key)
        http = httpx.AsyncClient(
            transport=LibraryWire(wire, self._uploads),  # type: ignore[arg-type]
            headers={"Authorization": f"Key {self.key}"}, follow_redirects=False,
        )  # fmt: skip
        vars(client)["_client"] = _Ready(http)
        if await client._client is not http:
            raise RuntimeError("this release of fal-client brings a wire of its own; 1.0.3 takes ours")
        return http

    def _uploads(self, request: httpx.Request) -> bool:
        import httpx

        uploads = (f"{self._hosts.rest_url}/storage/auth/token", f"{self._hosts.cdn_url}/files/upload")
        return request.method == "POST" and request.url.copy_with(query=None) in map(httpx.URL, uploads)


class _Ready:
    """What the library awaits to get its httpx client, and gets ours."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    def __await__(self) -> Generator[object, None, httpx.AsyncClient]:
        async def ready() -> httpx.AsyncClient:
            return self._http

        return ready().__await__()
