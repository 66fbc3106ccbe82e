"""What the settings say of one provider: how much at once, where it answers, where its key is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from artfactoryd.core.json_types import Document

ADDRESSES = ("base_url", "queue_url", "rest_url", "cdn_url", "platform_url")
KEYLESS = frozenset({"comfyui"})  # that are one's own: without a key they may be anywhere in the local network


@dataclass(frozen=True, slots=True)
class Provider:
    """`api_key` says where the key is (env:NAME, keychain, file:/PATH); it is never the key.

    `addresses`: by names that only the provider knows; one alone is where calls are sent.
    """

    concurrency: int = 2
    enabled: bool = True
    api_key: str | None = None
    base_url: str | None = None
    requests_per_minute: int | None = None  # None: as many as there is room for
    queue_url: str | None = None
    rest_url: str | None = None
    cdn_url: str | None = None
    platform_url: str | None = None
    addresses: Mapping[str, str] | str | None = None

    @property
    def all_addresses(self) -> dict[str, str]:
        """By their names in the settings; the first is where calls are sent."""
        given = _by_name(self.addresses)
        named = {name: address for name in ADDRESSES if (address := getattr(self, name))}
        return {**named, **{name: address for name, address in given.items() if name not in ADDRESSES}}


PROVIDERS = {
    "replicate": Provider(concurrency=8, base_url="https://api.replicate.com", requests_per_minute=600),
    "fal": Provider(
        concurrency=4, queue_url="https://queue.fal.run", rest_url="https://rest.fal.ai",
        cdn_url="https://v3.fal.media", platform_url="https://api.fal.ai/v1",
    ),
    "local": Provider(),
    "comfyui": Provider(base_url="http://127.0.0.1:8188"),
}  # fmt: skip


def with_addresses(section: Document) -> dict[str, object]:
    """The settings of one provider with each address also under its own key, where that says nothing."""
    given = {name: address for name, address in _by_name(section.get("addresses")).items() if name in ADDRESSES}
    return {**given, **section}


def addresses_in(section: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each, with its key path inside the settings of one provider."""
    yield from (((name,), section[name]) for name in ADDRESSES if section.get(name) is not None)
    own = section.get("addresses")
    for name, address in _by_name(own).items():
        yield ("addresses",) if isinstance(own, str) else ("addresses", name), address


def _by_name(addresses: Mapping[str, str] | str | None) -> Mapping[str, str]:
    return {ADDRESSES[0]: addresses} if isinstance(addresses, str) else addresses or {}
