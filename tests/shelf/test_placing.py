from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import durable
from artfactoryd.errors import StorageFaulty, StorageFull
from artfactoryd.reporting.receipt import receipt_state
from artfactoryd.shelf import order_folders, placing, reading
from artfactoryd.shelf.received import Fetched
from tests.forks import Script

NAME = "0001-a-red-car-3f9ac2d1.png"
SECOND = "0001-a-red-car-3f9ac2d1-2.png"
PICTURE = b"\x89PNG all the bytes of a picture"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "outputs" / "paid.part"
    path.parent.mkdir(parents=True)
    path.write_bytes(PICTURE)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Projects" / "summer-cars" / "2026-11-22" / "cars"


def card(identity: str = "id-1") -> Callable[[str], dict[str, Any]]:
    return lambda name: {"id": identity, "file": {"name": name}, "parameters": {"prompt": "ein rötliches 車"}}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# -- placing a product


@pytest.mark.parametrize(
    ("original", "lying", "name"),
    [("ab", PICTURE, NAME), ("cd", PICTURE, SECOND), ("ab", b"edited", SECOND)],
)
def test_the_same_picture_with_other_words_inside_is_not_shelved_twice(
    source: Path, folder: Path, original: str, lying: bytes, name: str
) -> None:
    """What a kill left, by another release or with other settings; changed by a person it is another file."""

    def told(of: str) -> Callable[[str], dict[str, Any]]:
        digest = hashlib.sha256(PICTURE).hexdigest()
        return lambda name: {"id": "id-1", "file": {"name": name, "sha256": digest, "original_sha256": of, "bytes": 1}}

    placing.place(source, folder, NAME, told("ab"))
    (folder / NAME).unlink()
    (folder / NAME).write_bytes(lying)
    source.unlink()
    source.write_bytes(b"with other words inside")
    assert placing.place(source, folder, NAME, told(original)) == name
    laid = placing.lying(Fetched(source, "x", 1, None), folder / name, folder.parents[2])
    assert (folder / NAME).read_bytes() == lying and (laid.path == folder / name)
    assert (laid.sha256 == hashlib.sha256(PICTURE).hexdigest()) == (name == NAME)


def test_a_product_lies_beside_its_sidecar_and_the_work_file_stays(source: Path, folder: Path) -> None:
    assert placing.place(source, folder, NAME, card()) == NAME
    assert names(folder) == [NAME, NAME + ".json"]
    assert (folder / NAME).read_bytes() == source.read_bytes() == PICTURE
    assert reading.read_sidecar(folder / (NAME + ".json")) == card()(NAME)
    assert "rötliches 車" in (folder / (NAME + ".json")).read_text("utf-8")


def test_placing_the_same_again_changes_nothing(source: Path, folder: Path) -> None:
    placing.place(source, folder, NAME, card())
    before = contents(folder)
    assert placing.place(source, folder, NAME, card()) == NAME
    assert contents(folder) == before


def test_a_name_with_other_bytes_behind_it_gives_dash_two_in_name_and_sidecar(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(b"something of a person's own")
    chosen = placing.place(source, folder, NAME, card())
    assert chosen == "0001-a-red-car-3f9ac2d1-2.png"
    assert reading.read_sidecar(folder / (chosen + ".json"))["file"]["name"] == chosen
    assert (folder / NAME).read_bytes() == b"something of a person's own"
    assert names(folder) == [chosen, chosen + ".json", NAME]
    assert placing.place(source, folder, NAME, card()) == chosen


def test_two_products_of_equal_bytes_and_name_are_two_products(source: Path, folder: Path) -> None:
    assert placing.place(source, folder, NAME, card("id-1")) == NAME
    chosen = placing.place(source, folder, NAME, card("id-2"))
    assert chosen.endswith("-2.png")
    assert not (folder / NAME).samefile(folder / chosen)
    assert placing.place(source, folder, NAME, card("id-3")).endswith("-3.png")


def test_a_sidecar_of_another_product_makes_the_name_taken(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / (NAME + ".json")).write_text(json.dumps(card("id-9")(NAME)))
    assert placing.place(source, folder, NAME, card("id-1")).endswith("-2.png")
    assert reading.read_sidecar(folder / (NAME + ".json"))["id"] == "id-9"


def test_a_json_of_a_persons_own_makes_the_name_taken_and_is_kept(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / (NAME + ".json")).write_text("my notes, no JSON")
    assert placing.place(source, folder, NAME, card()).endswith("-2.png")
    assert (folder / (NAME + ".json")).read_text() == "my notes, no JSON"


def test_a_folder_in_the_sidecars_place_makes_the_name_taken(source: Path, folder: Path) -> None:
    (folder / (NAME + ".json")).mkdir(parents=True)
    assert placing.place(source, folder, NAME, card()).endswith("-2.png")


def test_a_stale_sidecar_of_the_same_product_is_taken_over_and_made_right(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / (NAME + ".json")).write_text(json.dumps({"id": "id-1", "file": {"name": "before"}}))
    assert placing.place(source, folder, NAME, card()) == NAME
    assert reading.read_sidecar(folder / (NAME + ".json")) == card()(NAME)


def test_a_product_whose_sidecar_is_gone_gets_it_again(source: Path, folder: Path) -> None:
    placing.place(source, folder, NAME, card())
    (folder / (NAME + ".json")).unlink()
    assert placing.place(source, folder, NAME, card()) == NAME
    assert names(folder) == [NAME, NAME + ".json"]


def test_an_order_folder_that_was_thrown_away_is_made_again_for_a_paid_product(source: Path, folder: Path) -> None:
    assert not folder.parent.exists()
    placing.place(source, folder, NAME, card())
    assert (folder / NAME).read_bytes() == PICTURE


def test_a_source_that_is_gone_is_not_called_a_full_disk(source: Path, folder: Path) -> None:
    source.unlink()
    with pytest.raises(FileNotFoundError):
        placing.place(source, folder, NAME, card())
    assert not folder.exists()


def test_a_discarded_source_leaves_the_product_and_may_be_discarded_twice(source: Path, folder: Path) -> None:
    placing.place(source, folder, NAME, card())
    placing.discard(source)
    placing.discard(source)
    assert not source.exists()
    assert (folder / NAME).read_bytes() == PICTURE


def test_a_text_that_is_no_unicode_comes_back_from_the_sidecar(source: Path, folder: Path) -> None:
    document = {"id": "id-1", "file": {}, "inputs": [{"file": os.fsdecode(b"caf\xe9.png")}]}
    placing.place(source, folder, NAME, lambda name: document)
    assert reading.read_sidecar(folder / (NAME + ".json")) == document


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.ENOTSUP])
def test_where_hard_links_fail_the_product_is_copied_as_safely(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Another volume, or a file system without hard links (exFAT)."""

    def no_link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", no_link)
    assert placing.place(source, folder, NAME, card("id-1")) == NAME
    assert placing.place(source, folder, NAME, card("id-1")) == NAME
    assert placing.place(source, folder, NAME, card("id-2")).endswith("-2.png")
    assert len(names(folder)) == 4
    assert (folder / NAME).read_bytes() == PICTURE


def test_a_file_that_appears_in_the_last_moment_is_kept_and_gets_no_sidecar_of_ours(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def late(old: Path, new: Path, **named: bool) -> None:
        if new.name == NAME:
            new.write_bytes(b"a person's own")
        link(old, new, **named)

    monkeypatch.setattr(os, "link", late)
    chosen = placing.place(source, folder, NAME, card())
    assert names(folder) == [chosen, chosen + ".json", NAME]
    assert (folder / NAME).read_bytes() == b"a person's own"


def test_placing_by_rename_never_overwrites(tmp_path: Path) -> None:
    """The way for file systems without hard links, when a person's file appears in the last moment."""
    (tmp_path / "new").write_text("new")
    (tmp_path / "taken").write_text("a person's own")
    with pytest.raises(FileExistsError):
        durable._rename_exclusively(tmp_path / "new", tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "a person's own"
    durable._rename_exclusively(tmp_path / "new", tmp_path / "free")
    assert names(tmp_path) == ["free", "taken"]


def test_projects_may_be_a_link_to_another_disk(source: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "Projects").symlink_to(tmp_path / "disk")
    placing.place(source, tmp_path / "Projects" / "p" / "d" / "o", NAME, card())
    assert (tmp_path / "disk" / "p" / "d" / "o" / NAME).read_bytes() == PICTURE


@pytest.mark.parametrize("letter", ["車", "é", "a", "🚗"])
def test_a_name_too_long_for_a_file_is_cut_between_letters_and_still_numbered(
    source: Path, folder: Path, letter: str
) -> None:
    name = letter * 300 + ".png"
    chosen = [placing.place(source, folder, name, card(f"id-{n}")) for n in range(3)]
    assert len(set(chosen)) == 3
    for each in chosen:
        assert len((each + ".json").encode()) <= 255
        assert each.startswith(letter * 40)
        assert reading.read_sidecar(folder / (each + ".json"))["file"]["name"] == each
    assert placing.place(source, folder, name, card("id-1")) == chosen[1]


def test_a_name_keeps_its_letters_as_given(source: Path, folder: Path) -> None:
    name = unicodedata.normalize("NFC", "0001-grüne-車-3f9ac2d1.png")
    assert placing.place(source, folder, name, card()) == name
    assert {unicodedata.normalize("NFC", each) for each in names(folder)} == {name, name + ".json"}


# -- killed and done again

PLACE = """
import sys
from pathlib import Path
from artfactoryd.shelf import placing as shelf
source, folder, name, layout = sys.argv[1:]
shelf.place(Path(source), Path(folder), name, lambda name: {"id": "id-1", "file": {"name": name}}, layout)
"""
OPEN = """
import sys
from pathlib import Path
from artfactoryd.shelf import order_folders
files = {"order.yaml": b"o", "inputs/a.png": b"i", "receipt.yaml": b"order_id: " + sys.argv[2].encode() + b"\\n"}
root, order_id = Path(sys.argv[1]), sys.argv[2]
order_folders.open_order_folder(root, "cars", "2026-11-22", "cars", order_id, files, lambda: b"id: p\\n")
"""


def run(script: str, *arguments: object, fault: str = "") -> int:
    environ = {**os.environ, "ARTFACTORY_FAULT": fault}
    return Script(script, [*map(str, arguments)], environ).wait(60)


@pytest.mark.parametrize("fault", ["sidecar_placed", "product_linked", "folder_synced"])
@pytest.mark.parametrize(
    ("layout", "changed", "card"),
    [
        ("beside", "folder", f"{NAME}.json"), ("folder", "beside", f"sidecars/{NAME}.json"),
        ("hidden", "folder", f".sidecars/{NAME}.json"),
    ],
)  # fmt: skip
def test_killed_while_placing_and_done_again_there_is_one_product(
    source: Path, folder: Path, fault: str, layout: str, changed: str, card: str
) -> None:
    """Also where another setting is in force by then: what lies there is taken as it lies."""
    assert run(PLACE, source, folder, NAME, layout, fault=fault) == -signal.SIGKILL
    left = {card} if fault == "sidecar_placed" else {NAME, card}
    assert set(contents(folder)) == left
    source.rename(source.with_suffix(".kept"))
    source.write_bytes(PICTURE)  # a new daemon fetched it again
    assert run(PLACE, source, folder, NAME, changed) == 0
    assert set(contents(folder)) == {NAME, card}
    assert (folder / NAME).read_bytes() == PICTURE
    assert list(reading.walk(folder.parents[2])) == [(folder / NAME, folder / card)]
    assert list(reading.orphans(folder.parents[2])) == []


def test_killed_while_building_an_order_folder_nothing_is_seen_and_a_redo_completes_it(tmp_path: Path) -> None:
    day = tmp_path / "cars" / "2026-11-22"
    order_id = "0193f0c2-0000-7000-8000-000000000001"
    assert run(OPEN, tmp_path, order_id, fault="order_folder_built") == -signal.SIGKILL
    assert names(day) == [f".cars.{order_id}.tmp"]
    assert list(reading.orphans(tmp_path)) == [day / f".cars.{order_id}.tmp"]
    assert run(OPEN, tmp_path, order_id) == 0
    assert names(day) == ["cars"]
    assert set(contents(day / "cars")) == {"order.yaml", "inputs/a.png", "receipt.yaml"}


# -- order folders


def opened(
    projects: Path, order_id: str, name: str = "cars", more: Mapping[str, bytes] | None = None, *, is_new: bool = False
) -> Path:
    receipt = f'state: queued\norder_id: "{order_id}"\n'.encode()
    files = {"order.yaml": b"prompt: x\n", "receipt.yaml": receipt, **(more or {})}
    return order_folders.open_order_folder(
        projects, "summer-cars", "2026-11-22", name, order_id, files, lambda: b"id: p\n", is_new=is_new
    )


def test_an_order_folder_is_whole_and_dated_and_its_project_described(tmp_path: Path) -> None:
    folder = opened(tmp_path, "o-1", more={"inputs/a.png": b"picture"})
    assert folder == tmp_path / "summer-cars" / "2026-11-22" / "cars"
    assert names(folder) == ["inputs", "order.yaml", "receipt.yaml"]
    assert (folder / "inputs" / "a.png").read_bytes() == b"picture"
    assert names(tmp_path / "summer-cars") == ["2026-11-22", "project.yaml"]


def test_the_same_order_finds_its_own_folder_and_another_gets_the_next_number(tmp_path: Path) -> None:
    first, second = opened(tmp_path, "o-1"), opened(tmp_path, "o-2")
    assert [first.name, second.name] == ["cars", "cars-2"]
    assert [opened(tmp_path, "o-1"), opened(tmp_path, "o-2")] == [first, second]


def test_a_pipe_or_a_link_to_nowhere_is_nobodys_receipt(tmp_path: Path) -> None:
    first, second = opened(tmp_path, "o-1"), opened(tmp_path, "o-2")
    third = opened(tmp_path, "o-3")
    for folder in (first, second):
        (folder / "receipt.yaml").unlink()
    os.mkfifo(first / "receipt.yaml")
    (second / "receipt.yaml").symlink_to("/nowhere/at/all")
    assert opened(tmp_path, "o-3") == third
    assert receipt_state(first) is receipt_state(second) is None and receipt_state(third) == "queued"


def test_the_second_order_stays_where_it_is_when_the_first_is_thrown_away(tmp_path: Path) -> None:
    first, second = opened(tmp_path, "o-1"), opened(tmp_path, "o-2")
    first.rename(tmp_path / "bin")
    assert opened(tmp_path, "o-2") == second


def test_an_order_that_only_mentions_ours_is_not_ours(tmp_path: Path) -> None:
    first = opened(tmp_path, "o-1")
    order_folders.write_receipt(first, b"order_id: o-1\nreasons: [duplicate of o-2]\nnotes: 'order_id: o-2'\n")
    assert opened(tmp_path, "o-2").name == "cars-2"


def test_a_new_order_looks_into_no_receipt_of_its_day(tmp_path: Path) -> None:
    first = opened(tmp_path, "o-1")
    (first / "receipt.yaml").unlink()
    os.mkfifo(first / "receipt.yaml")  # whoever opens this waits for ever
    second = opened(tmp_path, "o-2", is_new=True)
    assert second.name == "cars-2"


def test_a_folder_of_a_persons_own_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "summer-cars" / "2026-11-22" / "cars"
    own.mkdir(parents=True)
    assert opened(tmp_path, "o-1").name == "cars-2"
    assert names(own) == []


def test_a_project_description_is_written_once(tmp_path: Path) -> None:
    opened(tmp_path, "o-1")
    description = tmp_path / "summer-cars" / "project.yaml"
    description.write_text("description: edited by a person\n")
    opened(tmp_path, "o-2")
    assert description.read_text() == "description: edited by a person\n"


def test_order_names_too_long_for_a_folder_are_cut_and_numbered(tmp_path: Path) -> None:
    first, second = opened(tmp_path, "o-1", "車" * 200), opened(tmp_path, "o-2", "車" * 200)
    assert first.name == "車" * 85
    assert second.name.endswith("車-2")
    assert opened(tmp_path, "o-2", "車" * 200) == second


def test_a_receipt_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = opened(tmp_path, "o-1")
    order_folders.write_receipt(folder, b"order_id: o-1\nstate: completed\n")
    assert names(folder) == ["order.yaml", "receipt.yaml"]
    assert (folder / "receipt.yaml").read_bytes() == b"order_id: o-1\nstate: completed\n"


# -- reading back


def test_walk_gives_complete_pairs_only_and_orphans_the_rest_of_ours(source: Path, tmp_path: Path) -> None:
    projects = tmp_path / "Projects"
    inputs = {"inputs/old.png": b"p", "inputs/old.png.json": b'{"id": "x", "file": {}}'}
    folder = opened(projects, "o-1", more=inputs)
    placing.place(source, folder, NAME, card())
    stale, half = folder / "0002-x-00000000.png.json", folder / ".0003.png.1a2b3c4d.tmp"
    stale.write_text(json.dumps(card("id-2")("0002-x-00000000.png")))
    half.write_bytes(b"ha")
    for own in ("notes.json", "loose.png", "._a.png", "._a.png.json", ".hidden.tmp"):
        (folder / own).write_text("[1]")
    assert list(reading.walk(projects)) == [(folder / NAME, folder / (NAME + ".json"))]
    assert list(reading.orphans(projects)) == [half, stale]
    for orphan in reading.orphans(projects):
        placing.discard(orphan)
    assert not list(reading.orphans(projects))
    assert {"notes.json", "loose.png", ".hidden.tmp", NAME} <= set(names(folder))


def test_a_half_built_order_folder_is_discarded_with_all_in_it(tmp_path: Path) -> None:
    half = tmp_path / "p" / "2026-11-22" / ".cars.0193f0c2-0000-7000-8000-000000000001.tmp"
    (half / "inputs").mkdir(parents=True)
    assert list(reading.orphans(tmp_path)) == [half]
    placing.discard(half)
    assert not half.exists()


@pytest.mark.parametrize("data", [b"", b"[]", b'{"id": 7, "file": {}}', b'{"id": "x"}', b"\xff\xfe"])
def test_what_is_no_sidecar_is_a_value_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(ValueError, match=r"."):
        reading.read_sidecar(tmp_path / "x.json")


# -- bad weather

FULL = f"""
import os, resource, signal
from artfactoryd.errors import StorageFull
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
try:
    exec({PLACE!r})
except StorageFull:
    os._exit(11)
"""


def test_a_write_that_fails_in_the_middle_leaves_nothing_and_says_so(source: Path, folder: Path) -> None:
    """A file size limit, set in a process of its own, cuts the sidecar's writing short."""
    long = NAME.replace("a-red-car", "a" * 80)
    assert run(FULL, source, folder, long, "beside") == 11
    assert names(folder) == []
    assert run(PLACE, source, folder, long, "beside") == 0


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, StorageFull, "room"),
        (errno.EDQUOT, StorageFull, "room"),
        (errno.EROFS, StorageFull, "cannot be written"),
        (errno.EMFILE, StorageFull, "cannot be written"),
        (errno.EIO, StorageFaulty, "disk"),
    ],
)
def test_a_flush_that_fails_is_a_sentence_and_leaves_no_half_file(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception], words: str
) -> None:
    folder.mkdir(parents=True)

    def failing(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(kind, match=words):
            placing.place(source, folder, NAME, card())
        with pytest.raises(kind):
            order_folders.write_receipt(folder, b"order_id: o\n")
    assert names(folder) == []
    assert placing.place(source, folder, NAME, card()) == NAME


def test_a_file_where_a_folder_is_needed_is_named(source: Path, tmp_path: Path) -> None:
    (tmp_path / "Projects").write_text("not a folder")
    with pytest.raises(StorageFull, match=r"Projects.* cannot be written"):
        placing.place(source, tmp_path / "Projects" / "cars", NAME, card())
    with pytest.raises(StorageFull, match=r"Projects.* cannot be written"):
        opened(tmp_path / "Projects", "o-1")


def test_a_link_to_a_disk_that_is_not_there_is_named_and_nothing_is_made(source: Path, tmp_path: Path) -> None:
    (tmp_path / "Projects").symlink_to(tmp_path / "unplugged")
    with pytest.raises(StorageFull, match="a link to a place that is not there"):
        placing.place(source, tmp_path / "Projects" / "cars", NAME, card())
    assert not (tmp_path / "unplugged").exists()


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder without write permission, a sealed one in it. Neither binds root, so root is somebody else a while."""
    with tempfile.TemporaryDirectory() as place:
        closed = Path(place) / "cars"
        closed.mkdir()
        (closed / "sealed").mkdir(0o000)
        closed.chmod(0o555)
        Path(place).chmod(0o755)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        yield closed
        if root:
            os.seteuid(0)
        closed.chmod(0o755)
        (closed / "sealed").chmod(0o755)


def test_a_folder_without_write_permission_is_named(nobody: Path) -> None:
    with pytest.raises(StorageFull, match=r"cars.* cannot be written"):
        placing.place(Path(__file__), nobody, NAME, card())
    with pytest.raises(StorageFull, match=r"cars.* cannot be written"):
        opened(nobody, "o-1")


def test_a_sealed_folder_ends_in_words_not_in_an_endless_search_for_a_free_name(nobody: Path) -> None:
    with pytest.raises(StorageFull, match=r"sealed.* cannot be written"):
        placing.place(Path(__file__), nobody / "sealed", NAME, card())
