"""The settings as values: a type for each section of artfactory.yaml, with its defaults.

Not here: how they are read, and what is wrong with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artfactoryd.core.json_types import Json
from artfactoryd.core.names import PATTERN
from artfactoryd.settings.providers import PROVIDERS, Provider

CLAMD_PORT = 3310
CLAMD = re.compile(
    r"(?:clamd:)?(?:unix:(?P<path>/.+)|tcp://(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+)(?::(?P<port>\d{1,5}))?/?)"
)


@dataclass(frozen=True, slots=True)
class Budget:
    """US dollars; days and months are those of this machine's clock."""

    per_order: float = 5
    per_day: float = 10
    per_month: float = 50
    ask_above: float = 2
    agents_per_day: float = 5


@dataclass(frozen=True, slots=True)
class Limits:
    products_per_order: int = 100
    order_bytes: int = 1 << 20
    product_bytes: int = 256 << 20
    megapixels: float = 100
    free_disk_bytes: int = 512 << 20


@dataclass(frozen=True, slots=True)
class Inbox:
    path: Path | None = None  # absolute; None is the home's own Inbox
    settle_seconds: float = 1
    scan_seconds: float = 5
    repeat_minutes: float = 10
    agent_repeat_hours: float = 24
    defaults: Mapping[str, Json] | None = None  # by drop-box: what its orders may leave out


@dataclass(frozen=True, slots=True)
class Http:
    """`token` says where the token is (env:NAME, file:/PATH); it is never the token."""

    host: str = "127.0.0.1"
    port: int = 8765
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Logging:
    level: str = "info"
    format: str = "text"  # accepted, and without effect: the files are JSON lines


@dataclass(frozen=True, slots=True)
class Products:
    """`file`: pattern of the products' names, of orders that have none of their own. `sidecars`: where theirs lie.
    `embed`: what is written inside them. `xmp`: whether what is marked has NAME.png.xmp beside it."""

    file: str = PATTERN
    sidecars: str = "folder"  # folder | beside | hidden
    embed: str = "minimal"  # none | minimal | full
    xmp: bool = False


@dataclass(frozen=True, slots=True)
class Thumbnails:
    cache_bytes: int = 2 << 30  # of all of them; 0: none are made


@dataclass(frozen=True, slots=True)
class Backup:
    """`path`: absolute; None: none are made. `every`: as in 12h or 1d; None: only when asked for. `keep`: so many."""

    path: Path | None = None
    every: str | None = None
    keep: int = 7


@dataclass(frozen=True, slots=True)
class Index:
    """`url`: of a PostgreSQL server; None: a file of SQLite's. `schema`: in which its tables stand there."""

    url: str | None = None
    schema: str = "artfactory"


@dataclass(frozen=True, slots=True)
class Desktop:
    """`notify`: auto where somebody sits at a desktop. `labels`: those of files and marks follow each other;
    `comments`: how a file was made, and where it is from, is written at it."""

    notify: str | bool = "auto"
    labels: bool = True
    comments: bool = True


@dataclass(frozen=True, slots=True)
class Scan:
    """`address`: of clamd, as it was written; None: nothing is scanned. `required`: what cannot be scanned waits."""

    address: str | None = None
    required: bool = False

    @property
    def path(self) -> str:
        """Of its socket; empty where it is reached by the network."""
        return self._part("path")

    @property
    def host(self) -> str:
        return self._part("host").strip("[]")

    @property
    def port(self) -> int:
        return int(self._part("port") or CLAMD_PORT)

    def _part(self, name: str) -> str:
        match = CLAMD.fullmatch(self.address or "")
        return (match and match[name]) or ""


@dataclass(frozen=True, slots=True)
class Hook:
    """A command that is run when something happens. `words` may hold what nobody else is to read."""

    words: tuple[str, ...]
    name: str  # its program, for whoever is told of it


@dataclass(frozen=True, slots=True)
class Settings:
    providers: Mapping[str, Provider] = field(default_factory=lambda: dict(PROVIDERS))
    budget: Budget = Budget()
    limits: Limits = Limits()
    inbox: Inbox = Inbox()
    http: Http = Http()
    logging: Logging = Logging()
    products: Products = Products()
    backup: Backup = Backup()
    thumbnails: Thumbnails = Thumbnails()
    index: Index = Index()
    desktop: Desktop = Desktop()
    scan: Scan = Scan()
    hooks: Mapping[str, tuple[Hook, ...]] = field(default_factory=dict)  # by what happens
    recipes: tuple[Path, ...] = ()  # git folders in which what was dropped is looked for
    strict: bool = False  # every warning holds
    stamp: tuple[int, ...] | None = field(default=None, compare=False)  # of the file they were read from
    source: bytes = field(default=b"", compare=False, repr=False)  # what stood in it

    def provider(self, name: str) -> Provider:
        """One that has no settings of its own (a plug-in's) runs with the defaults."""
        return self.providers.get(name, Provider())
