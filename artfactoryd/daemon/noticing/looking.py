"""One look at folders of the shelf, in slices: each file's size and time against the index. Opens nothing.

Called in worker threads. What differs is gathered, and is looked into by `evidence`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from posixpath import dirname

from artfactoryd.core.noticing.changes import File, Known
from artfactoryd.daemon.noticing.nameless import Nameless
from artfactoryd.execution.shelving.filing import Placed
from artfactoryd.home import Home
from artfactoryd.medium import in_words
from artfactoryd.shelf import survey
from artfactoryd.shelf.survey import Lies, may_be_picture
from artfactoryd.storage.index import Index
from artfactoryd.storage.noticing import known
from artfactoryd.storage.noticing.known import EDITED, TOP, Looked, Shelved

log = logging.getLogger(__name__)

UNSEEN = -2  # in place of a folder's time
LATELY = 24 * 3600.0  # seconds before a start: what was made since then may not have been looked at by the run before
TRUSTED = 3600.0  # seconds after it was made within which a file that nobody looked at was last written


@dataclass
class Differing:
    """What a look found. `as_made`: seen for the first time, as they should be. `absent`: nothing lies in their places.
    `changed`: something lies there that is to be looked into; `as_placed`: paths among them whose bytes are known.
    `strays`: files where no product is known. `unlisted`: paths where nothing lies any more; `papers`: folders with an
    order's papers; `fresh`: those to be looked at again.
    """

    as_made: list[File] = field(default_factory=list)
    absent: list[Known] = field(default_factory=list)
    changed: list[tuple[Known, File]] = field(default_factory=list)
    as_placed: set[str] = field(default_factory=set)
    strays: list[File] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    papers: list[str] = field(default_factory=list)
    fresh: set[str] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        return not (self.absent or self.changed or self.strays or self.papers)


class Looking:
    """`folders`: what is known of the shelf's folders, with their times; it is brought up to date. `watch` is told of
    each before it is looked into. `nameless`: brought up to date as `folders` is. `since`: seconds
    since 1970; what was made before that was not seen being made."""

    def __init__(
        self, home: Home, index: Index, folders: dict[str, int], watch: Callable[[str], None], placed: Placed,
        nameless: Nameless, *, settle: float, since: float,
    ) -> None:  # fmt: skip
        self._nameless = nameless
        self._home, self._root, self._index, self._folders, self._watch = home, home.root, index, folders, watch
        self._placed, self._settle, self._since = placed, settle, since
        self._left: list[tuple[str, bool]] = []
        self._visited: set[str] | None = None  # of a look at everything
        self._listed = 0  # products that are known to lie in what was looked into
        self.found = Differing()

    def at_all(self) -> None:
        self._visited, self._left = set(), [(TOP, True)]

    def at(self, folders: Iterable[str]) -> None:
        """These, and those below them that were not there before."""
        self._left += [(folder, False) for folder in sorted(set(folders), reverse=True)]

    def at_changed(self) -> None:
        """Those whose times are others than before."""
        self.at(folder for folder, modified in self._folders.items() if self._modified(folder) != modified)

    def _modified(self, folder: str) -> int:
        try:
            return (self._root / folder).stat().st_mtime_ns
        except OSError:
            return -1

    def go_on(self, seconds: float) -> bool:
        """Whether there is more."""
        until = time.monotonic() + seconds
        while self._left:
            folder, is_deep = self._left.pop()
            self._look_into(folder, is_deep)
            if time.monotonic() > until:
                return True
        if self._visited is not None:
            if known.count(self._index) != self._listed:
                self._look_after_unvisited(known.folders(self._index) - self._visited)
            self._visited = None
        return False

    def _look_into(self, folder: str, is_deep: bool) -> None:
        self._watch(folder)
        try:
            lying = survey.survey(self._root / folder)
        except OSError as error:
            self._cannot_see(folder, error)
            return
        if lying is None:
            self._left_empty(folder)
            return
        if self._visited is not None:
            self._visited.add(folder)
        then, files = known.in_folder(self._index, folder), lying.files
        self._listed += len(then.products)
        self.found.unlisted += [path for path in then.others if path.rpartition("/")[2] not in files]
        differing = _differing(then, folder, files)
        rows = known.by_id(self._index, differing).values() if differing else ()
        for shelved in sorted(rows, key=lambda row: row.product.missing is not None):
            self._compare(shelved, folder, files)
        for name, lies in files.items():
            self._stray(folder, name, lies, then.others.get(f"{folder}/{name}"))
        self._nameless.note(self._root, folder, lying.nameless)
        if lying.is_order:
            self.found.papers.append(folder)
        below = [f"{folder}/{name}" for name in lying.folders]
        if not is_deep:  # those that are gone from it
            self._left += [(one, False) for one in self._folders if dirname(one) == folder and one not in below]
        self._left += [(one, True) for one in reversed(below) if is_deep or one not in self._folders]
        self._folders[folder] = lying.modified

    def _left_empty(self, folder: str) -> None:
        """It is gone, with all that was known to lie in it; unless a link leads there."""
        for one in [one for one in self._folders if one == folder or one.startswith(f"{folder}/")]:
            del self._folders[one]
            self._nameless.note(self._root, one, ())
        self.found.absent += [product for product in known.below(self._index, folder) if not self._lies(product.path)]

    def _look_after_unvisited(self, folders: Iterable[str]) -> None:
        """Folders that are gone, behind a link, or in one that cannot be seen."""
        for folder in folders:
            try:
                if survey.survey(self._root / folder) is None:
                    self._left_empty(folder)
            except OSError as error:
                self._cannot_see(folder, error)

    def _cannot_see(self, folder: str, error: OSError) -> None:
        """What lies in it is not gone by that."""
        if self._folders.get(folder) != UNSEEN:
            log.warning("%s cannot be looked into: %s", folder, in_words(error))
        self._folders[folder] = UNSEEN
        if self._visited is not None:
            self._visited.add(folder)

    def _lies(self, path: str) -> bool:
        """Also where that cannot be seen."""
        try:
            return survey.lies(self._root / path) is not None
        except OSError:
            return True

    def _compare(self, shelved: Shelved, folder: str, files: dict[str, Lies]) -> None:
        """A product's own place; its file is taken out of `files`."""
        product, looked = shelved.product, shelved.looked
        lies = files.pop(product.path.rpartition("/")[2], None)
        if lies is None:
            if not product.missing:
                self.found.absent.append(product)
            return
        file, is_known_there = File(product.path, lies.bytes, lies.changed), not (product.missing or product.gone)
        if looked is not None and is_known_there and _is_as_then(lies, looked) and looked.what in ("", EDITED):
            return
        if looked is None and is_known_there and self._is_as_placed(product, lies):
            self.found.as_placed.add(product.path)
            self.found.changed.append((product, file))
        elif looked is None and is_known_there and self._is_trusted(shelved, lies):
            self.found.as_made.append(file)
        elif self._is_fresh(lies):
            self.found.fresh.add(folder)
        else:
            self.found.changed.append((product, file))

    def _is_as_placed(self, product: Known, lies: Lies) -> bool:
        """A moment ago, by this run."""
        return self._placed.pop(product.id, None) == (lies.bytes, lies.modified, lies.inode)

    def _is_trusted(self, shelved: Shelved, lies: Lies) -> bool:
        """What was on the shelf long before this run, and was not written since it was made. What the run before made,
        and did not come to look at, is looked into: another file may have been moved into its place."""
        made = datetime.fromisoformat(shelved.created_at).timestamp()
        is_old = made < self._since - LATELY
        return lies.bytes == shelved.product.bytes and lies.modified / 1e9 < made + TRUSTED and is_old

    def _is_fresh(self, lies: Lies) -> bool:
        """It may still be written."""
        return 0 <= time.time() - lies.changed / 1e9 < self._settle

    def _stray(self, folder: str, name: str, lies: Lies, looked: Looked | None) -> None:
        if not may_be_picture(name) or (looked is not None and _is_as_then(lies, looked)):
            return
        if self._is_fresh(lies):
            self.found.fresh.add(folder)
        else:
            self.found.strays.append(File(f"{folder}/{name}", lies.bytes, lies.changed))


def _differing(then: known.Folder, folder: str, files: dict[str, Lies]) -> list[str]:
    """Ids of products that do not lie as they did. The files of all others are taken out of `files`."""
    differing, start = list[str](), len(folder) + 1
    for id, path, size, changed, is_plain in then.products:
        name = path[start:]
        lies = files.get(name)
        if lies is not None and is_plain == 1 and lies[1] == changed and lies[0] == size:
            del files[name]
        else:
            differing.append(id)
    return differing


def _is_as_then(lies: Lies, looked: Looked) -> bool:
    return (lies.bytes, lies.changed) == (looked.bytes, looked.changed)
