"""What cannot be read or written just now waits, with the true reason, however often it is looked at."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import entries
from artfactoryd.errors import StorageFull
from artfactoryd.intake.acceptance import MOST_READINGS
from artfactoryd.reporting.why import why
from artfactoryd.storage.index import Index
from tests.homes import TestHome
from tests.pictures import draw
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


@contextmanager
def closed(monkeypatch: Patch, closed_to_all: Callable[[Path], bool]) -> Iterator[None]:
    """As for an owner without the permission; who runs the tests may have them all."""

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *rest: Any, **options: Any) -> Any:
            for name in (path, *rest):
                if isinstance(name, str | os.PathLike) and closed_to_all(Path(name)):
                    raise PermissionError(errno.EACCES, "Permission denied", os.fspath(name))
            return real(path, *rest, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("open", "scandir", "listdir", "link", "rename"):
            patch.setattr(os, name, guarded(getattr(os, name)))
        patch.setattr("builtins.open", guarded(open))
        patch.setattr("io.open", guarded(open))
        yield


async def looked_at_often(works: Works, reason: str) -> None:
    """Longer than a counter of deaths would bear, and the reason stays the true one."""
    seen: list[float] = []

    def often() -> bool:
        if not seen or seen[-1] != works.daemon._looked:
            seen.append(works.daemon._looked)
        return len(seen) > 2 * MOST_READINGS

    await works.until(often)
    assert works.daemon._consumer.pending and not list(works.home.home.rejected.glob("[!.]*"))
    words, known = why(works.home.home, works.house.books.index, works.house.settings.now, "cars.yaml")
    assert known and reason in words, words


async def test_a_file_that_may_not_be_read_stays_in_the_inbox_and_is_taken_when_it_may(
    home: TestHome, monkeypatch: Patch
) -> None:
    shut = {home.drop("cars.yaml", order()).name}
    with closed(monkeypatch, lambda path: path.name in shut):
        async with at_work(home, monkeypatch) as works:
            await works.until(lambda: works.daemon._consumer.pending)
            await looked_at_often(works, "Permission denied")
            assert (home.home.inbox / "cars.yaml").exists()
            shut.clear()
            await works.until(lambda: works.states() == ["completed", "completed"])


async def test_a_bundle_with_a_picture_that_may_not_be_read_stays_in_the_inbox(
    home: TestHome, monkeypatch: Patch
) -> None:
    folder = home.home.inbox / "cars.yaml"
    draw(folder / "a.png")
    (folder / "order.yaml").write_text(order())
    shut = {"a.png"}
    with closed(monkeypatch, lambda path: path.name in shut):
        async with at_work(home, monkeypatch) as works:
            await works.until(lambda: works.daemon._consumer.pending)
            await looked_at_often(works, "Permission denied")
            shut.clear()
            await works.until(lambda: not folder.exists())


@pytest.mark.parametrize(
    "name", ["models", "templates", "lookups", "models/0.yaml", "templates/noir.yaml", "lookups/hue.txt"]
)
async def test_while_a_part_of_the_library_cannot_be_read_an_order_waits_and_says_which(
    home: TestHome, monkeypatch: Patch, name: str
) -> None:
    shut = home.home.library / name
    for folder, file, text in (("templates", "noir.yaml", "notes: dark\n"), ("lookups", "hue.txt", "red\nblue\n")):
        (home.home.library / folder).mkdir(exist_ok=True)
        (home.home.library / folder / file).write_text(text)
    async with at_work(home, monkeypatch) as works:
        with closed(monkeypatch, lambda path: path == shut):
            home.drop("cars.yaml", order("a [hue] car", template="noir"))
            await works.until(lambda: works.daemon._consumer.pending)
            await looked_at_often(works, str(shut))
        await works.until(lambda: "completed" in works.states())


async def test_while_rejected_cannot_be_written_what_is_wrong_waits_and_is_then_told_as_it_is(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        with closed(monkeypatch, lambda path: path.parent == home.home.rejected):
            home.drop("cars.yaml", "provider: nobody\n")
            await works.until(lambda: works.daemon._consumer.pending)
            await looked_at_often(works, "Rejected")
        await works.until(lambda: home.words("cars.yaml"))
        assert "E_POISON" not in home.words("cars.yaml") and "E_REQUIRED" in home.words("cars.yaml")


async def test_while_the_programs_own_files_are_away_an_order_waits(home: TestHome, monkeypatch: Patch) -> None:
    from artfactoryd import schema

    async with at_work(home, monkeypatch) as works:
        schema._schema.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(schema, "_folder", lambda: home.root / "gone")
            home.drop("cars.yaml", order())
            await works.until(lambda: works.daemon._consumer.pending)
            await looked_at_often(works, "order.schema.json")
        await works.until(lambda: works.states() == ["completed", "completed"])


async def test_a_part_of_the_program_that_is_away_is_no_defect_of_the_file(home: TestHome, monkeypatch: Patch) -> None:
    def gone(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'artfactoryd.shelf.media'")

    async with at_work(home, monkeypatch) as works:
        with monkeypatch.context() as patch:
            patch.setattr("artfactoryd.planning.planner.Scholar.study", gone)
            home.drop("cars.yaml", order())
            await works.until(lambda: works.daemon._consumer.pending)
            await looked_at_often(works, "Start it again")
        await works.until(lambda: works.states() == ["completed", "completed"])


async def test_what_is_no_order_and_could_not_be_laid_into_rejected_goes_there_at_the_next_start(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.stop()
        path = home.drop("cars.txt", "a red car")
        taken = works.house.claims.take(
            path, id="01900000-0000-7000-8000-0000000000ff", project=None, taken_at="2026-11-22T12:00:00.000Z",
            stray=("a text file", "Let its name end in .yaml."),
        )  # fmt: skip
        assert taken is not None
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: home.words("cars.txt"))
        assert "cars.txt is not an order: it is a text file." in home.words("cars.txt")


def test_what_is_below_a_folder_is_listed_whole_or_not_at_all(tmp_path: Path, monkeypatch: Patch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.txt").write_text("c")
    assert entries.files_below(tmp_path) == [tmp_path / "a" / "b" / "c.txt"]
    assert entries.files_below(tmp_path / "none") == []
    with closed(monkeypatch, lambda path: path.name == "b"), pytest.raises(PermissionError):
        entries.files_below(tmp_path)


@pytest.mark.parametrize("place", ["orders_of_claim", "same_orders"])
async def test_what_was_taken_while_the_index_could_not_be_asked_becomes_an_order_when_it_can(
    home: TestHome, monkeypatch: Patch, place: str
) -> None:
    """As on a server that is away; where it fails is told to nobody, so that nothing goes by it."""
    async with at_work(home, monkeypatch) as works:
        with monkeypatch.context() as patched:
            patched.setattr(Index, place, refused := Refused())
            home.drop("cars.yaml", order())
            await works.until(lambda: refused.times > 2)
            assert not works.states()
        await works.until(lambda: works.states() == ["completed"] * 2)


class Refused:
    times = 0

    def __call__(self, *words: object, **options: object) -> None:
        self.times += 1
        raise StorageFull("The index cannot be asked just now.")
