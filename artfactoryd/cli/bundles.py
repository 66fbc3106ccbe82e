"""What `submit` puts into the inbox: an order's file with what it names, as one folder, by one rename.

What goes along is what was given with the order, and what it names that lies beside it. All of it is a copy.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import uuid_utils

from artfactoryd.core.inbox_rules import SUBMITTED, is_order_name, no_order
from artfactoryd.core.names import nfc
from artfactoryd.core.parameters.file_refs import is_pattern
from artfactoryd.core.slug import slug
from artfactoryd.durable import make_folders, write_file
from artfactoryd.entries import bounded
from artfactoryd.errors import Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.intake.attachments import copy_beside
from artfactoryd.intake.recipes import of_file
from artfactoryd.intake.submission import Told, lay_down
from artfactoryd.planning.catalogue.asked import understood
from artfactoryd.planning.input_patterns import fits, matches
from artfactoryd.planning.input_sources import near_name, spelled
from artfactoryd.planning.inputs import InputsMissing, behind_a_link
from artfactoryd.planning.origin import Origin, name_of, order_file, stray_word
from artfactoryd.planning.planner import most_bytes
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index


@dataclass(frozen=True, slots=True)
class Given:
    """`orders`: each as it was given (a file, or a folder) with its order's file; `beside`: what goes with them."""

    orders: Sequence[tuple[Path, Path]]
    beside: Mapping[str, Path]  # by name


@dataclass(frozen=True, slots=True)
class Placed:
    """`path`: in the inbox; `submission`: its id. `along`: of what was given with it, names of what it uses."""

    path: Path
    submission: str
    along: frozenset[str] = field(default_factory=frozenset)


def told_apart(given: Sequence[Path]) -> Given:
    """Orders, and what is given to go with them. Raises WrongUse with everything that can be neither."""
    orders = [path for path in given if path.is_dir() or is_order_name(path.name)]
    cards = {path.name for path in orders}  # of a sidecar, its picture is known
    others = [path for path in given if path not in orders and f"{path.name}.json" not in cards]
    wrong = [words for path in given if (words := _why_not(path, bool(orders)))]
    beside = {nfc(path.name): path for path in others}
    if len(beside) < len(others):
        wrong.append("Two of these files have one name: the order could not tell them apart. Rename one.")
    if wrong:
        raise WrongUse("\n".join(wrong))
    return Given([(path, order_file("submit", path)) for path in orders], beside)


def _why_not(path: Path, with_order: bool) -> str:
    """Why it is neither an order nor goes with one; empty where it may be either."""
    if path.is_dir():
        return ""
    if not path.is_file():
        near = near_name(path.parent, path.name)
        return f"{path} is not a file. {f'Did you mean {near}?' if near else 'Name an order file to submit.'}"
    word = stray_word(path)
    return no_order(str(path), word) if word and not (word.may_belong and with_order) else ""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where bundles are made, and by which settings they are read."""

    home: Home
    settings: Settings
    environ: Mapping[str, str]

    @property
    def inbox(self) -> Path:
        return self.settings.inbox.path or self.home.inbox

    def place(
        self, file: Path, rehearse: bool, beside: Mapping[str, Path] | None = None, agent: str = ""
    ) -> Placed:  # fmt: skip
        """An order's file into the inbox, with what it names; of `beside` what it uses, all of it where it cannot be
        understood: the inbox will say why. `agent`: who hands it in, empty of a person."""
        submission = str(uuid_utils.uuid7())
        name = name_of(file)
        bundle = self.inbox / f"{slug(name, 60)}-{submission[-8:]}"
        made = self.home.temp / bundle.name
        told = Told(name, file.name, rehearse, of_file(file), agent)
        make_folders(made)
        pile = _Pile(made, file.absolute().parent, beside or {}, self.settings.limits.product_bytes)
        pile.lay_all()
        used = self._take_along(file, pile)
        along = set(pile.beside) if used is None else pile.only(used)
        write_file(made / "order.yaml", self._text(file))
        write_file(made / SUBMITTED, told.document(submission))
        lay_down(made, bundle)
        return Placed(bundle, submission, frozenset(along))

    def _text(self, file: Path) -> bytes:
        return bounded(file, most_bytes(self.settings))  # what is larger is refused as such

    def _take_along(self, file: Path, pile: _Pile) -> set[str] | None:
        """Onto the pile, what the order names that is not there yet; all that it uses, None when it cannot be
        understood."""
        origin = Origin(file.name, file.stem, folder=pile.folder)
        with Index.reading(self.home.index_file) as index:
            while True:
                try:
                    studies = understood(self.home, self.settings, index, self._text(file), origin, self.environ)
                    pictures = [picture for study in studies for picture in study.inputs if not picture.source]
                    return {nfc(os.path.normpath(picture.value)) for picture in pictures}
                except InputsMissing as missing:
                    came = [pile.bring(name) for name in missing.names]  # all of them, before it is read again
                    if not any(came):
                        return None
                except Refusal:
                    return None


@dataclass
class _Pile:
    """What goes with an order, in `folder`: from `source`, where the order lies, and of what was given `beside` it."""

    folder: Path
    source: Path
    beside: Mapping[str, Path]  # by name
    most_bytes: int
    came: set[Path] = field(default_factory=set)  # what was given and lies there under the path that the order names

    def lay_all(self) -> None:
        """Everything that was given, under its name alone."""
        for name, path in self.beside.items():
            copy_beside(path.resolve(), self.folder / name, self.most_bytes)

    def only(self, used: Collection[str]) -> set[str]:
        """Names of what was given and is used; the rest goes. `used`: paths in the folder."""
        for name in self.beside:
            if name not in used:
                (self.folder / name).unlink()
        return {name for name, path in self.beside.items() if name in used or path.resolve() in self.came}

    def bring(self, name: str) -> bool:
        """Whether anything of that path, or that fits that pattern, came. A link comes as a link, to be refused."""
        brought = False
        for place, path in [*self._from_source(name), *self._from_beside(name)]:
            if not os.path.lexists(self.folder / place):
                brought |= copy_beside(path, self.folder / place, self.most_bytes)
                self.came.add(path.resolve())
        return brought

    def _from_source(self, name: str) -> Iterator[tuple[str, Path]]:
        for place in matches(self.source, name) if is_pattern(name) else [name]:
            path = spelled(self.source, PurePosixPath(place))
            if os.path.lexists(path) and not behind_a_link(path.parent, self.source):
                yield place, path

    def _from_beside(self, name: str) -> Iterator[tuple[str, Path]]:
        """What was given from elsewhere, by the end of its path."""
        parts = PurePosixPath(os.path.normpath(name)).parts
        for path in self.beside.values():
            end = path.absolute().parts[-len(parts) :]
            if len(parts) > 1 and all(fits(one, part) for one, part in zip(end, parts, strict=False)):
                yield "/".join(end), path.resolve()
