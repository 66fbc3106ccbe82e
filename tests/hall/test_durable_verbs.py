"""Each verb of `durable`, killed before each of its calls, failed at each, and with the power cut after each flush.

What a person sees is the old state or the new one, or both names of one file where the verb says so; never half a
file. What a verb says is flushed is there when the power comes back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from artfactoryd import durable, entries, medium
from artfactoryd.errors import StorageFull
from artfactoryd.intake import attachments
from artfactoryd.planning import input_sources
from tests.disk import Kill, failing, killing, lay_down, power_cut

State = dict[str, bytes | None]  # paths with their bytes, None for folders
BIG = b"new" * 500_000


@dataclass(frozen=True)
class Case:
    before: State
    act: Callable[[Path], object]
    after: State
    between: tuple[State, ...] = ()
    lasting: bool = True  # without a flush by the caller
    torn: bool = False  # a power cut may leave it empty: it is for people only
    tidy: bool = True  # a failure leaves nothing; else what is left is hidden, and the next try takes it over


def arrival(root: Path) -> None:
    arriving = durable.Arrival(root / ".a.part")
    try:
        arriving.write(BIG)
        arriving.finish()
        durable.move(root / ".a.part", root / "a")
    except OSError:
        arriving.discard()
        raise


def duplicated(root: Path) -> None:
    with (root / "a").open("rb") as file:
        durable.duplicate(file, root / ".b")
    durable.move(root / ".b", root / "b")


def copied(root: Path) -> None:
    durable.build_folder(root / ".b", {})  # stands for whoever removes what a kill left
    (root / ".b").rmdir()
    durable.copy(root / "a", root / ".b")
    durable.move(root / ".b", root / "b")


def built(root: Path) -> None:
    durable.build_folder(root / ".o.tmp", {"order": b"o", "inputs/a": lambda: BIG})
    durable.move(root / ".o.tmp", root / "o")


def anew(root: Path) -> None:
    assert durable.write_new(root / "a", BIG)
    medium.flush_folder(root)


FOLDER: State = {"a": None, "a/in": None, "a/in/b": BIG}
CASES = {
    "write_file": Case({"a": b"old"}, lambda root: durable.write_file(root / "a", BIG), {"a": BIG}),
    "write_file, a first time": Case({}, lambda root: durable.write_file(root / "a", BIG), {"a": BIG}),
    "replace_file with a mark": Case(
        {"a": b"old"}, lambda root: durable.replace_file(root / "a", BIG, entries.new_mark()), {"a": BIG}
    ),
    "write_new": Case({}, lambda root: durable.write_new(root / "a", BIG), {"a": BIG}, lasting=False),
    "write_new and flush": Case({}, anew, {"a": BIG}),
    "Arrival": Case({}, arrival, {"a": BIG}),
    "write_note": Case(
        {"a": b"old"}, lambda root: durable.write_note(root / "a", BIG), {"a": BIG}, lasting=False, torn=True
    ),
    "tally": Case({"a": b"."}, lambda root: durable.tally(root / "a", flushed=True), {"a": b".."}),
    "duplicate": Case({"a": BIG}, duplicated, {"a": BIG, "b": BIG}, tidy=False),
    "copy": Case(
        FOLDER, copied, {**FOLDER, **{name.replace("a", "b", 1): data for name, data in FOLDER.items()}}, tidy=False
    ),
    "build_folder": Case({}, built, {"o": None, "o/order": b"o", "o/inputs": None, "o/inputs/a": BIG}, tidy=False),
    "share_new": Case(
        {"a": b"x"}, lambda root: durable.share_new(root / "a", root / "b"), {"a": b"x", "b": b"x"}, lasting=False
    ),
    "move_new": Case(
        {"a": b"x"}, lambda root: durable.move_new(root / "a", root / "b"), {"b": b"x"}, ({"a": b"x", "b": b"x"},),
        lasting=False,
    ),
    "move_new of a folder": Case(
        FOLDER, lambda root: durable.move_new(root / "a", root / "b"),
        {name.replace("a", "b", 1): data for name, data in FOLDER.items()}, lasting=False,
    ),
    "move_to_free": Case(
        {"a": b"x", "b": b"y"}, lambda root: durable.move_to_free(root / "a", [root / "b", root / "b-2"]),
        {"b": b"y", "b-2": b"x"}, ({"a": b"x", "b": b"y", "b-2": b"x"},), lasting=False,
    ),
    "move": Case(
        {"a": b"x", "b": b"old"}, lambda root: durable.move(root / "a", root / "b"), {"b": b"x"}
    ),
    "make_folders": Case(
        {}, lambda root: durable.make_folders(root / "a" / "b"), {"a": None, "a/b": None}, ({"a": None},)
    ),
}  # fmt: skip


def lay(case: Case, root: Path) -> None:
    lay_down(case.before, root)
    medium.refused = 0


def seen(files: State) -> State:
    return {name: data for name, data in files.items() if not name.startswith(".")}


def there(root: Path) -> State:
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in sorted(root.rglob("*"))
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def test_a_verb_does_what_it_says_and_leaves_nothing_else(case: Case, root: Path) -> None:
    lay(case, root)
    case.act(root)
    assert there(root) == case.after


def test_killed_before_any_call_there_is_the_old_or_the_new_and_a_redo_completes_it(
    case: Case, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(case, root)
    with killing(root, monkeypatch) as disk:
        case.act(root)
    for last in range(disk.calls):
        lay(case, root)
        with killing(root, monkeypatch, last), pytest.raises(Kill):
            case.act(root)
        state = seen(there(root))
        assert state in (case.before, case.after, *case.between), f"killed before call {last}"
        if state == case.before:
            case.act(root)
            assert seen(there(root)) == case.after
    assert disk.calls


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_whatever_call_fails_there_is_the_old_or_the_new_and_nothing_half_done(
    case: Case, number: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(case, root)
    with failing(root, monkeypatch) as disk:
        case.act(root)
    for site in list(disk.sites):
        lay(case, root)
        with failing(root, monkeypatch) as sick, suppress(OSError, StorageFull):
            sick.failing = {site: number}
            case.act(root)
        state = there(root)
        assert seen(state) in (case.before, case.after, *case.between), f"{site} failed"
        assert seen(state) == state or site[0] == "unlink" or not case.tidy, f"{site} failed"


def test_when_the_power_is_cut_there_is_the_old_or_the_new_and_what_was_flushed(
    case: Case, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(case, root)
    states = list[State]()
    with power_cut(root, monkeypatch) as disk:
        disk.told = lambda: states.append(disk.left())
        case.act(root)
        assert (seen(disk.left()) == case.after) is case.lasting
        medium.flush_folder(root)
        assert seen(disk.left()) == ({"a": b""} if case.torn else case.after)
    for state in states:
        assert seen(state) in (case.before, case.after, *case.between) or case.torn


# --- what is never overwritten ---


def test_a_name_that_is_taken_is_never_overwritten(tmp_path: Path) -> None:
    taken, source = tmp_path / "taken", tmp_path / "source"
    taken.write_bytes(b"a person's own")
    source.write_bytes(b"ours")
    assert not durable.write_new(taken, b"ours") and not durable.share_new(source, taken)
    with pytest.raises(FileExistsError):
        durable.move_new(source, taken)
    with pytest.raises(FileExistsError):
        durable.move_to_free(source, [taken])
    with pytest.raises(FileExistsError):
        durable.create(taken, b"ours")
    with pytest.raises(FileExistsError):
        durable.make_folder(taken)
    assert there(tmp_path) == {"source": b"ours", "taken": b"a person's own"}


def test_a_folder_is_not_moved_onto_an_entry_that_appears_in_the_last_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_down({"a": None, "a/x": b"ours", "b": None, "b/x": b"a person's own"}, tmp_path / "home")
    root = tmp_path / "home"
    with monkeypatch.context() as patched:
        patched.setattr(os.path, "lexists", lambda path: False)
        assert durable.move_to_free(root / "a", [root / "b", root / "c"]) == root / "c"
    assert there(root) == {"b": None, "b/x": b"a person's own", "c": None, "c/x": b"ours"}


def test_bytes_that_are_there_already_count_as_shared_and_others_do_not(tmp_path: Path) -> None:
    lay_down({"a": b"x", "same": b"x", "other": b"y"}, tmp_path / "home")
    root = tmp_path / "home"
    assert durable.share_equal(root / "a", root / "same") and durable.share_equal(root / "a", root / "new")
    assert not durable.share_equal(root / "a", root / "other")


def test_no_file_gets_a_third_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    assert durable.share_new(tmp_path / "a", tmp_path / "b") and durable.share_new(tmp_path / "a", tmp_path / "c")
    assert [(tmp_path / name).stat().st_nlink for name in "abc"] == [2, 2, 1]


def test_on_a_disk_without_hard_links_the_same_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    lay_down({"a": b"x", "taken": b"a person's own"}, tmp_path / "home")
    root = tmp_path / "home"
    assert not durable.share_new(root / "a", root / "taken") and durable.share_new(root / "a", root / "b")
    with pytest.raises(FileExistsError):
        durable.move_new(root / "a", root / "taken")
    durable.move_new(root / "a", root / "c")
    assert there(root) == {"b": b"x", "c": b"x", "taken": b"a person's own"}


def test_a_note_is_best_effort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert durable.write_note(tmp_path / "note", b"one")
    assert not durable.write_note(tmp_path / "gone" / "note", b"two")
    assert there(tmp_path) == {"note": b"one"}


def test_the_temporary_name_of_any_name_fits_and_one_with_a_mark_is_known_again() -> None:
    for name in ("a.png", "車" * 85, "x" * 255):
        for mark in ("", entries.new_mark(), "0193f0c2-0000-7000-8000-000000000001"):
            temporary = entries.temporary_name(name, mark)
            assert len(os.fsencode(temporary)) <= 255 and temporary.startswith(".")
            assert bool(entries.TEMPORARY.fullmatch(temporary)) is bool(mark)


# --- what leans on them ---


def test_what_comes_with_a_loose_order_is_in_the_claim_after_a_power_cut(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes from the inbox for good once the order is accepted."""
    lay_down({"inbox": None, "inbox/a.png": BIG, "claim": None}, root)
    with power_cut(root, monkeypatch) as disk:
        assert attachments.copy_beside(
            root / "inbox" / "a.png", root / "claim" / "companions" / "in" / "a.png", len(BIG)
        )
        assert disk.left()["claim/companions/in/a.png"] == BIG


def test_a_picture_from_an_address_is_in_the_claim_after_a_power_cut(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(address: str, target: Path, most_bytes: int) -> None:
        durable.create(target, BIG)

    monkeypatch.setattr(input_sources, "fetch", fetch)
    lay_down({"claim": None}, root)
    with power_cut(root, monkeypatch) as disk:
        source = input_sources.Gathering(None, root, root / "Library", None, kept=root / "claim" / "elsewhere")
        assert isinstance(source.find("https://example.org/a.png", ("image",)), input_sources.Place)
        assert BIG in disk.left().values()
