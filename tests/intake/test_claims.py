from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from artfactoryd import entries
from artfactoryd.errors import Refusal, StorageFull
from artfactoryd.intake.claim import Claim
from artfactoryd.intake.claims import Claims
from tests.forks import Script
from tests.volumes import another_volume

AT = "2026-11-22T10:00:00+00:00"
ONE, TWO = "0000-one", "0000-two"
DRIVER = """
import sys
from pathlib import Path
from artfactoryd.intake.claims import Claims
root, entry, verb, times = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
claims = Claims(root / "claims", root / "Rejected", root / "Held")
open_claims = claims.open()
if verb == "take":
    claims.take(entry, id="0000-one", project="cars", taken_at="2026-11-22T10:00:00+00:00")
elif verb == "read":
    for _ in range(times):
        claims.begin_reading(open_claims[0])
elif verb == "drop_held":
    claims.drop_held(entry.name)
elif open_claims:
    verbs = {"reject": claims.reject, "hold": claims.hold}
    verbs[verb](open_claims[0], "Because.") if verb in verbs else claims.clear(open_claims[0])
"""


class House:
    """A claims folder with the three places beside it."""

    def __init__(self, root: Path) -> None:
        self.root, self.inbox, self.rejected, self.held = root, root / "Inbox", root / "Rejected", root / "Held"
        self.inbox.mkdir(parents=True)
        self.claims = Claims(root / "claims", self.rejected, self.held)

    def drop(self, name: str = "cars.yaml", data: bytes = b"model: x\n") -> Path:
        path = self.inbox / name
        path.write_bytes(data)
        return path

    def bundle(self, name: str = "cars", /, **files: bytes) -> Path:
        folder = self.inbox / name
        folder.mkdir()
        for file, data in ({"order.yaml": b"model: x\n"} | files).items():
            (folder / file).write_bytes(data)
        return folder

    def take(self, entry: Path, id: str = ONE, project: str | None = None) -> Claim:
        claim = self.claims.take(entry, id=id, project=project, taken_at=AT)
        assert claim is not None
        return claim

    def run(self, verb: str, entry: Path, fault: str = "", times: int = 1) -> int:
        """One verb in a process of its own, killed at `fault`; the exit code."""
        words = [str(self.root), str(entry), verb, str(times)]
        return Script(DRIVER, words, os.environ | {"ARTFACTORY_FAULT": fault}).wait(60)

    def kill(self, verb: str, entry: Path, fault: str) -> None:
        assert self.run(verb, entry, fault) == -signal.SIGKILL, f"{fault} was not reached"

    def texts(self, folder: Path) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(folder.iterdir()) if not path.name.startswith(".")}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def other_disk(house: House) -> Iterator[Path]:
    """An inbox on another volume than the claims."""
    volume = another_volume(house.root)
    if volume is None:
        pytest.skip("no second volume here")
    with tempfile.TemporaryDirectory(dir=volume) as folder:
        yield Path(folder)


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# --- taking ---


def test_a_taken_file_leaves_the_inbox_and_is_found_again_at_the_next_start(house: House) -> None:
    claim = house.take(house.drop(), project="summer")
    assert contents(house.inbox) == []
    assert claim.entry.read_bytes() == b"model: x\n" and claim.order_file == claim.entry
    assert (claim.name, claim.kind, claim.project) == ("cars.yaml", "file", "summer")
    assert Claims(house.root / "claims", house.rejected, house.held).open() == [claim]


def test_a_bundle_is_taken_whole_and_knows_its_order(house: House) -> None:
    claim = house.take(house.bundle(**{"red.png": b"png"}))
    assert claim.kind == "bundle" and contents(claim.entry) == ["order.yaml", "red.png"]
    assert claim.order_file == claim.entry / "order.yaml"


def test_the_order_of_a_bundle_may_be_spelled_as_people_spell(house: House) -> None:
    folder = house.inbox / "b"
    folder.mkdir()
    (folder / "Order.YML").write_text("model: x")
    assert house.take(folder).order_file.name == "Order.YML"


def test_what_somebody_else_removed_is_no_claim_and_leaves_nothing(house: House) -> None:
    assert house.claims.take(house.inbox / "gone.yaml", id=ONE, project=None, taken_at=AT) is None
    assert house.claims.open() == [] and not (house.root / "claims" / ONE).exists()


def test_what_somebody_removes_just_now_is_no_claim_either(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = house.drop()
    monkeypatch.setattr("artfactoryd.intake.claims.point", lambda name: entry.unlink(missing_ok=True))
    assert house.claims.take(entry, id=ONE, project=None, taken_at=AT) is None
    assert contents(house.root / "claims") == []


def test_what_is_given_back_lies_as_it_lay_and_is_no_claim(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = house.bundle(**{"red.png": b"png"})
    assert house.claims.give_back(house.take(folder))
    assert contents(house.inbox) == ["cars", "cars/order.yaml", "cars/red.png"] and house.claims.open() == []
    claim = house.take(folder)
    with monkeypatch.context() as patch:  # killed before the claim is gone: nothing was taken
        patch.setattr(Claims, "_discard", lambda self, path: None)
        house.claims.give_back(claim)
    assert house.claims.open() == [] and contents(house.root / "claims") == []
    assert contents(folder) == ["order.yaml", "red.png"]


def test_nothing_is_given_back_onto_what_came_meanwhile(house: House) -> None:
    claim = house.take(house.bundle())
    (house.inbox / "cars").mkdir()
    assert not house.claims.give_back(claim)
    assert house.claims.open() == [claim] and contents(house.inbox) == ["cars"]


def test_from_another_volume_nothing_is_given_back(house: House, other_disk: Path) -> None:
    (other_disk / "cars").mkdir()
    claim = house.take(other_disk / "cars")
    assert not house.claims.give_back(claim) and house.claims.open() == [claim]


def test_open_claims_come_oldest_first(house: House) -> None:
    second = house.claims.take(house.drop("b.yaml"), id="b", project=None, taken_at="2026-11-22T10:00:02+00:00")
    first = house.claims.take(house.drop("a.yaml"), id="c", project=None, taken_at="2026-11-22T10:00:01+00:00")
    assert house.claims.open() == [first, second]


def test_an_id_used_twice_harms_neither_claim_nor_file(house: House) -> None:
    first, second = house.take(house.drop()), house.drop("other.yaml")
    with pytest.raises(FileExistsError):
        house.take(second)
    assert second.exists() and first.entry.exists()


@pytest.mark.parametrize("fault", ["claim_recorded", "claim_renamed"])
def test_killed_while_taking_the_file_is_in_one_place(house: House, fault: str) -> None:
    entry = house.drop()
    house.kill("take", entry, fault)
    opened = house.claims.open()
    if fault == "claim_recorded":
        assert opened == [] and contents(house.root / "claims") == [] and entry.read_bytes() == b"model: x\n"
    else:
        assert [claim.project for claim in opened] == ["cars"] and not entry.exists()
        assert opened[0].order_file.read_bytes() == b"model: x\n"


def test_a_record_that_a_sick_disk_has_eaten_does_not_lose_the_file(house: House) -> None:
    claim = house.take(house.drop())
    (claim.folder / "claim.json").write_bytes(b"")
    (again,) = house.claims.open()
    assert (again.id, again.name, again.order_file.read_bytes()) == (ONE, "cars.yaml", b"model: x\n")


def test_without_a_place_for_claims_the_file_stays_where_it_is(house: House) -> None:
    entry = house.drop()
    (house.root / "claims").write_text("a file in the way")
    with pytest.raises(StorageFull, match="claims"):
        house.claims.take(entry, id=ONE, project=None, taken_at=AT)
    assert entry.exists()


# --- from another volume ---


def test_from_another_volume_a_bundle_is_copied_in_and_removed_there(house: House, other_disk: Path) -> None:
    folder = other_disk / "cars"
    (folder / "pictures").mkdir(parents=True)
    (folder / "order.yaml").write_text("model: x")
    (folder / "pictures" / "red.png").write_bytes(b"png")
    (folder / "link").symlink_to("/etc/passwd")
    claim = house.take(folder)
    assert contents(claim.entry) == ["link", "order.yaml", "pictures", "pictures/red.png"]
    assert (claim.entry / "link").is_symlink() and os.listdir(other_disk) == []


@pytest.mark.parametrize("fault", ["claim_recorded", "claim_hidden", "claim_copied", "claim_arrived", "claim_renamed"])
def test_killed_while_copying_in_it_is_taken_exactly_once(house: House, other_disk: Path, fault: str) -> None:
    entry = other_disk / "cars.yaml"
    entry.write_text("model: x")
    house.kill("take", entry, fault)
    opened = house.claims.open()
    lying = [name for name in os.listdir(other_disk) if not name.startswith(".")]
    assert len(opened) + len(lying) == 1 and [c.order_file.read_text() for c in opened] in ([], ["model: x"])
    assert len(os.listdir(other_disk)) == len(lying), "nothing hidden stays behind"


def test_a_volume_that_is_away_at_the_start_loses_nothing(house: House, other_disk: Path) -> None:
    entry = other_disk / "share" / "cars.yaml"
    entry.parent.mkdir()
    entry.write_text("model: x")
    house.kill("take", entry, "claim_hidden")
    entry.parent.rename(other_disk / "away")
    assert house.claims.open() == []
    (other_disk / "away").rename(entry.parent)
    assert [claim.order_file.read_text() for claim in house.claims.open()] == ["model: x"]


def test_a_copy_that_fails_leaves_everything_where_it_was(house: House, other_disk: Path) -> None:
    folder = other_disk / "cars"
    folder.mkdir()
    (folder / "big.png").write_bytes(bytes(300_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(StorageFull, match="room"):
            house.claims.take(folder, id=ONE, project=None, taken_at=AT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(other_disk) == ["cars", "cars/big.png"] and contents(house.root / "claims") == []


def test_a_pipe_from_another_volume_can_still_be_rejected(house: House, other_disk: Path) -> None:
    os.mkfifo(other_disk / "pipe")
    house.claims.reject(house.take(other_disk / "pipe"), "A pipe.")
    assert contents(house.rejected) == ["pipe", "pipe.error.txt"] and os.listdir(other_disk) == []


# --- names ---


def test_a_name_that_is_not_utf8_becomes_readable(house: House) -> None:
    path = os.path.join(os.fsencode(house.inbox), b"caf\xe9\n.yaml")
    with open(path, "wb") as file:
        file.write(b"model: x")
    claim = house.take(Path(os.fsdecode(path)))
    assert claim.name == "caf\\xe9\\x0a.yaml" and house.claims.open() == [claim]
    assert house.claims.reject(claim, "Bad name.").name == "caf\\xe9\\x0a.yaml"


def test_two_spellings_of_one_name_never_overwrite_each_other(house: House) -> None:
    for id, name in ((ONE, "u\u0308.yaml"), (TWO, "\u00fc.yaml")):
        house.claims.reject(house.take(house.drop(name, name.encode()), id), "No.")
    assert sorted(house.texts(house.rejected)) == [
        "\u00fc-2.yaml", "\u00fc-2.yaml.error.txt", "\u00fc.yaml", "\u00fc.yaml.error.txt"
    ]  # fmt: skip


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=300)


@given(NAMES, st.integers(1, 12_000), st.booleans())
def test_a_numbered_name_can_have_its_word_beside_it(name: str, number: int, folder: bool) -> None:
    fitted = entries.fitted(name, number, folder)
    assert len(f"{fitted}.error.txt".encode()) <= 255
    extension = os.path.splitext(name)[1]
    assert folder or len(extension.encode()) > 20 or fitted.endswith(extension)


@given(NAMES, st.integers(1, 500), st.integers(1, 500), st.booleans())
def test_numbers_tell_names_apart(name: str, one: int, other: int, folder: bool) -> None:
    assert (entries.fitted(name, one, folder) == entries.fitted(name, other, folder)) == (one == other)


@given(st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name))
@example(b"\xff" * 200)
def test_any_name_a_disk_can_hold_becomes_text_and_stays_so(name: bytes) -> None:
    shown = entries.safe_name(os.fsdecode(name))
    assert len(f"{shown}.error.txt".encode()) <= 255 and "\n" not in shown
    assert entries.safe_name(shown) == shown


# --- reading ---


def test_readings_that_killed_their_reader_are_counted_and_forgotten_after_a_good_one(house: House) -> None:
    claim = house.take(house.drop())
    assert house.run("read", claim.entry, times=2) == 0
    assert house.claims.begin_reading(claim) == 3
    house.claims.finish_reading(claim)
    house.claims.finish_reading(claim)
    assert house.claims.begin_reading(claim) == 1


def test_a_submission_is_read_and_its_absence_is_nothing(house: House) -> None:
    with_it = house.bundle("a", **{".submit.json": b'{"rehearse": true}'})
    assert house.take(with_it).submission() == {"rehearse": True}
    assert house.take(house.bundle("b"), "b").submission() == {}
    assert house.take(house.drop(), "c").submission() == {}


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"[" * 60_000, b'{"x": "' + b"x" * 70_000 + b'"}'])
def test_a_broken_submission_is_refused_in_words(house: House, text: bytes) -> None:
    claim = house.take(house.bundle(**{".submit.json": text}))
    with pytest.raises(Refusal, match="submit"):
        claim.submission()


def test_a_submission_that_is_a_pipe_or_a_link_is_never_opened(house: House) -> None:
    folder = house.bundle()
    (folder / ".submit.json").symlink_to("/etc/hostname")
    with pytest.raises(Refusal):
        house.take(folder).submission()
    other = house.bundle("pipe")
    os.mkfifo(other / ".submit.json")
    with pytest.raises(Refusal):
        house.take(other, TWO).submission()


def test_the_fingerprint_is_of_the_bytes_and_not_of_the_name(house: House) -> None:
    fingerprint = house.claims.fingerprint
    first = fingerprint(house.take(house.drop("a.yaml"), "1"))
    assert first == fingerprint(house.take(house.drop("b.yaml"), "2"))
    assert first != fingerprint(house.take(house.drop("a.yaml", b"model: y"), "3"))


def test_the_fingerprint_of_a_bundle_leaves_out_what_desktops_and_submit_add(house: House) -> None:
    fingerprint = house.claims.fingerprint
    plain = fingerprint(house.take(house.bundle("a", **{"red.png": b"1"}), "1"))
    littered = house.bundle("b", **{"red.png": b"1", ".DS_Store": b"x", "Thumbs.db": b"x", ".submit.json": b"{}"})
    assert plain == fingerprint(house.take(littered, "2"))
    assert plain != fingerprint(house.take(house.bundle("c", **{"zebra.png": b"1"}), "3"))
    assert plain != fingerprint(house.take(house.bundle("d", **{"red.png": b"2"}), "4"))


def test_the_fingerprint_of_a_link_in_a_bundle_is_not_that_of_its_target(house: House) -> None:
    (house.root / "secret").write_bytes(b"1")
    linked = house.bundle("a")
    (linked / "red.png").symlink_to(house.root / "secret")
    filed = house.bundle("b", **{"red.png": b"1"})
    assert house.claims.fingerprint(house.take(linked, "1")) != house.claims.fingerprint(house.take(filed, "2"))


# --- Rejected ---


def test_a_rejected_file_lies_beside_its_word_and_the_claim_is_gone(house: House) -> None:
    target = house.claims.reject(house.take(house.drop()), "cars.yaml:1:1: no.")
    assert target == house.rejected / "cars.yaml"
    assert house.texts(house.rejected) == {"cars.yaml": "model: x\n", "cars.yaml.error.txt": "cars.yaml:1:1: no.\n"}
    assert house.claims.open() == [] and contents(house.root / "claims") == []


def test_nothing_in_rejected_is_ever_overwritten(house: House) -> None:
    for number in range(3):
        claim = house.take(house.drop(data=b"%d" % number), str(number))
        house.claims.reject(claim, "The same word." if number else "A word.")
    assert house.texts(house.rejected) == {
        "cars.yaml": "0", "cars.yaml.error.txt": "A word.\n",
        "cars-2.yaml": "1", "cars-2.yaml.error.txt": "The same word.\n",
        "cars-3.yaml": "2", "cars-3.yaml.error.txt": "The same word.\n",
    }  # fmt: skip


def test_a_word_whose_file_a_person_took_away_is_not_overwritten_either(house: House) -> None:
    house.rejected.mkdir()
    (house.rejected / "cars.yaml.error.txt").write_text("An older word.\n")
    assert house.claims.reject(house.take(house.drop()), "A word.").name == "cars-2.yaml"
    assert (house.rejected / "cars.yaml.error.txt").read_text() == "An older word.\n"


def test_a_folder_is_rejected_whole_with_its_number_at_the_end(house: House) -> None:
    for id in (ONE, TWO):
        house.claims.reject(house.take(house.bundle("v1.2"), id), "No.")
    assert contents(house.rejected) == [
        "v1.2", "v1.2-2", "v1.2-2.error.txt", "v1.2-2/order.yaml", "v1.2.error.txt", "v1.2/order.yaml"
    ]  # fmt: skip


def test_a_link_is_rejected_as_a_link_and_its_target_is_left_alone(house: House) -> None:
    secret = house.root / "secret.yaml"
    secret.write_text("mine")
    (house.inbox / "link.yaml").symlink_to(secret)
    (house.inbox / "folder").symlink_to(house.root)
    file = house.claims.reject(house.take(house.inbox / "link.yaml", ONE), "A link.")
    folder = house.claims.reject(house.take(house.inbox / "folder", TWO), "A link.")
    assert file.is_symlink() and folder.is_symlink() and secret.read_text() == "mine"


def test_pipes_and_sockets_are_rejected_without_being_opened(house: House) -> None:
    os.mkfifo(house.inbox / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(house.inbox, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{here}/sock" if sys.platform.startswith("linux") else str(house.inbox / "sock"))
        os.close(here)
    modes = [
        os.lstat(house.claims.reject(house.take(house.inbox / name, name), "No.")).st_mode for name in ("pipe", "sock")
    ]
    assert stat.S_ISFIFO(modes[0]) and stat.S_ISSOCK(modes[1])


@pytest.mark.parametrize("fault", ["reject_text", "placed_linked", "reject_moved", "claim_cleared"])
def test_killed_while_rejecting_there_is_one_file_with_its_word(house: House, fault: str) -> None:
    claim = house.take(house.drop())
    house.kill("reject", claim.entry, fault)
    for name in house.texts(house.rejected):
        assert name.endswith(".error.txt") or (house.rejected / f"{name}.error.txt").exists()
    assert house.run("reject", claim.entry) == 0
    assert house.texts(house.rejected) == {"cars.yaml": "model: x\n", "cars.yaml.error.txt": "Because.\n"}
    assert house.claims.open() == [] and contents(house.root / "claims") == []


def test_a_folder_killed_while_being_rejected_is_there_once(house: House) -> None:
    claim = house.take(house.bundle())
    house.kill("reject", claim.entry, "reject_text")
    assert house.run("reject", claim.entry) == 0
    assert contents(house.rejected) == ["cars", "cars.error.txt", "cars/order.yaml"]


def test_rejecting_again_in_the_same_process_changes_nothing(house: House) -> None:
    claim = house.take(house.drop())
    assert house.claims.reject(claim, "No.") == house.claims.reject(claim, "No.")
    assert len(contents(house.rejected)) == 2


def test_the_word_may_quote_a_name_that_is_no_text(house: House) -> None:
    house.claims.reject(house.take(house.drop()), "no such file: \udcff.png")
    assert "\\udcff.png" in (house.rejected / "cars.yaml.error.txt").read_text()


def test_on_a_disk_without_hard_links_nothing_is_overwritten_either(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*args: object, **settings: object) -> None:
        raise PermissionError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    for number, word in enumerate(("A word.", "The same word.", "The same word.")):
        house.claims.reject(house.take(house.drop(data=b"%d" % number), str(number)), word)
    assert house.texts(house.rejected) == {
        "cars.yaml": "0", "cars.yaml.error.txt": "A word.\n",
        "cars-2.yaml": "1", "cars-2.yaml.error.txt": "The same word.\n",
        "cars-3.yaml": "2", "cars-3.yaml.error.txt": "The same word.\n",
    }  # fmt: skip
    house.rejected.joinpath("cars.yaml").unlink()
    assert house.claims.reject(house.take(house.drop()), "Another word.").name == "cars-4.yaml"


# --- clear ---


def test_killed_while_clearing_no_half_of_a_bundle_is_taken_for_the_whole(house: House) -> None:
    claim = house.take(house.bundle())
    house.kill("clear", claim.entry, "claim_cleared")
    assert house.claims.open() == [] and contents(house.root / "claims") == []
    house.claims.clear(claim)


# --- Held ---


def test_a_held_order_is_a_copy_beside_its_reason_and_the_claim_stays(house: House) -> None:
    claim = house.take(house.bundle(**{"red.png": b"png"}))
    assert house.claims.hold(claim, "It costs too much.") == "cars"
    assert contents(house.held / "cars") == ["order.yaml", "red.png"]
    assert (house.held / "cars.why.txt").read_text() == "It costs too much.\n"
    (house.held / "cars" / "red.png").write_bytes(b"painted over")
    assert (claim.entry / "red.png").read_bytes() == b"png" and house.claims.open() == [claim]


def test_holding_again_changes_nothing_and_two_of_one_name_are_two_entries(house: House) -> None:
    one, two = house.take(house.drop(), ONE), house.take(house.drop(), TWO)
    assert [house.claims.hold(claim, "Why.") for claim in (one, two, one, two)] == [
        "cars.yaml", "cars-2.yaml", "cars.yaml", "cars-2.yaml"
    ]  # fmt: skip
    assert len(house.texts(house.held)) == 4


def test_nothing_in_held_is_overwritten(house: House) -> None:
    house.held.mkdir()
    (house.held / "cars.yaml").write_text("a person's")
    (house.held / "cars-2.yaml.why.txt").write_text("a person's")
    assert house.claims.hold(house.take(house.drop()), "Why.") == "cars-3.yaml"
    assert (house.held / "cars.yaml").read_text() == (house.held / "cars-2.yaml.why.txt").read_text() == "a person's"


def test_the_name_of_an_entry_on_its_way_to_the_inbox_is_not_given_away(house: House) -> None:
    house.claims.hold(house.take(house.drop(), ONE), "Why.")
    (house.held / "cars.yaml").unlink()
    (house.held / "cars.yaml.why.txt").unlink()
    assert house.claims.hold(house.take(house.drop("Cars.yaml"), TWO), "Why.") == "Cars-2.yaml"
    assert house.claims.held_gone("cars.yaml")


@pytest.mark.parametrize("fault", ["hold_recorded", "hold_text", "hold_copied", "placed_linked"])
def test_killed_while_holding_there_is_one_entry_with_its_reason(house: House, fault: str) -> None:
    claim = house.take(house.drop())
    house.kill("hold", claim.entry, fault)
    assert house.claims.hold(claim, "Because.") == "cars.yaml"
    assert house.texts(house.held) == {"cars.yaml": "model: x\n", "cars.yaml.why.txt": "Because.\n"}
    assert not house.claims.held_gone("cars.yaml")


def test_an_entry_a_person_took_out_is_gone_and_is_not_made_again_by_holding(house: House) -> None:
    claim = house.take(house.drop())
    name = house.claims.hold(claim, "Why.")
    assert not house.claims.held_gone(name)
    (house.held / name).rename(house.inbox / name)
    assert house.claims.held_gone(name) and not house.claims.held_vanished(name)
    house.claims.hold(claim, "Why.")
    assert house.claims.held_gone(name)


@pytest.mark.parametrize("again", ["nothing", "empty", "renamed"])
def test_a_held_folder_that_vanished_cancels_nothing_and_is_made_again(house: House, again: str) -> None:
    claims = [house.take(house.drop(name), name) for name in ("a.yaml", "b.yaml")]
    names = [house.claims.hold(claim, "Why.") for claim in claims]
    house.held.rename(house.root / "Elsewhere") if again == "renamed" else shutil.rmtree(house.held)
    if again == "empty":
        house.held.mkdir()
    for claim, name in zip(claims, names, strict=True):
        assert house.claims.held_vanished(name) and not house.claims.held_gone(name)
        house.claims.restore_held(claim, name, "Why.")
        assert not house.claims.held_vanished(name)
    assert house.texts(house.held) == {
        "a.yaml": "model: x\n", "a.yaml.why.txt": "Why.\n", "b.yaml": "model: x\n", "b.yaml.why.txt": "Why.\n"
    }  # fmt: skip


def test_a_decided_entry_goes_with_its_reason_and_twice_is_no_harm(house: House) -> None:
    name = house.claims.hold(house.take(house.bundle()), "Why.")
    house.claims.drop_held(name)
    house.claims.drop_held(name)
    assert house.texts(house.held) == {}


@pytest.mark.parametrize("kind", ["bundle", "drop"])
def test_killed_while_dropping_a_held_entry_no_half_of_it_stays(house: House, kind: str) -> None:
    name = house.claims.hold(house.take(getattr(house, kind)()), "Why.")
    house.kill("drop_held", Path(name), "claim_cleared")
    house.claims.drop_held(name)
    assert house.texts(house.held) == {} and len(house.claims.open()) == 1
    assert list(house.claims.folder.glob(".cleared-*")) == []


def test_what_a_person_changed_in_held_is_theirs_and_stays(house: House) -> None:
    name = house.claims.hold(house.take(house.drop()), "Why.")
    (house.held / name).write_text("my better order")
    house.claims.drop_held(name)
    assert (house.held / name).read_text() == "my better order"
    assert "Inbox" in (house.held / f"{name}.why.txt").read_text()


def test_a_reason_is_brought_up_to_date_without_touching_the_entry(house: House) -> None:
    claim = house.take(house.drop())
    name = house.claims.hold(claim, "Over the limit.")
    inode = (house.held / name).stat().st_ino
    house.claims.restore_held(claim, name, "Over the cap.")
    assert (house.held / f"{name}.why.txt").read_text() == "Over the cap.\n"
    assert (house.held / name).stat().st_ino == inode
