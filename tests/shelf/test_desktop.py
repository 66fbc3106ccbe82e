"""The id that goes along with a product when it is renamed or moved; where none can be kept, nothing happens."""

from __future__ import annotations

import errno
import os
import plistlib
import threading
from pathlib import Path

import pytest

from artfactoryd.shelf import desktop, placing

ID = "0193f0c2-0000-7000-8000-000000000001"


def put(tmp_path: Path, name: str = "1.png") -> Path:
    source = tmp_path / "paid"
    source.write_bytes(b"picture")
    desktop.name_product(source, ID)
    placing.place(source, tmp_path / "cars", name, lambda _: {"id": ID, "file": {}}, "folder")
    return tmp_path / "cars" / name


def test_a_product_keeps_its_id_under_another_name_and_in_another_folder(tmp_path: Path) -> None:
    product = put(tmp_path)
    assert desktop.product_in(product) == ID
    product.rename(tmp_path / "best.png")
    assert desktop.product_in(tmp_path / "best.png") == ID


def test_where_there_are_no_hard_links_the_copy_gets_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_link)
    assert desktop.product_in(put(tmp_path)) == ID


def test_where_no_such_thing_is_kept_the_product_is_shelved_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "not here")

    monkeypatch.setattr(os, "setxattr", refuse)
    assert desktop.product_in(put(tmp_path)) is None


@pytest.mark.parametrize("value", [b"", b"no id", b"\xff", b"x" * 1000, ID.upper().encode()])
def test_what_is_no_id_is_none(tmp_path: Path, value: bytes) -> None:
    file = tmp_path / "a.png"
    assert desktop.product_in(file) is None
    file.write_bytes(b"picture")
    os.setxattr(file, desktop.PRODUCT, value)
    assert desktop.product_in(file) is None


def test_finders_tags_are_a_binary_property_list_with_colours() -> None:
    data = desktop.label_bytes(["Liked", "★★★", "Grün"], is_mac=True)
    assert plistlib.loads(data) == ["Liked\n0", "★★★\n0", "Grün\n0"] and data.startswith(b"bplist00")
    as_finder = plistlib.dumps(["Liked\n6", "city"], fmt=plistlib.FMT_BINARY)
    assert desktop.labels_of(as_finder, is_mac=True) == ["Liked", "city"]
    assert plistlib.loads(desktop.text_bytes("1 of cars", is_mac=True)) == "1 of cars"
    for odd in (b"", b"bplist00", b"\xff", plistlib.dumps({"a": 1}, fmt=plistlib.FMT_BINARY)):
        try:
            assert desktop.labels_of(odd, is_mac=True) == []
        except ValueError as error:
            assert str(error) == "It is no list of tags."


def test_labels_are_written_beside_a_persons_and_an_absent_attribute_tells_nothing(tmp_path: Path) -> None:
    product = put(tmp_path)
    assert desktop.labels_in(product) is None
    assert desktop.show(product, ["city"]) and not desktop.show(product, ["city"])
    os.setxattr(product, "user.xdg.tags", b"city,mine")
    assert desktop.labels_in(product) == (["city", "mine"], ["city"])
    assert desktop.show(product, ["Liked"])
    assert os.getxattr(product, "user.xdg.tags") == b"mine,Liked"
    assert desktop.labels_in(product) == (["mine", "Liked"], ["Liked"])
    desktop.describe(product, "x" * 300, "https://example.org/a.png", ())
    assert len(os.getxattr(product, "user.xdg.comment")) == 200
    assert os.getxattr(product, "user.xdg.origin.url") == b"https://example.org/a.png"


@pytest.mark.parametrize(("number", "tries"), [(errno.ENOSPC, 4), (errno.ENOTSUP, 1)])
def test_no_room_for_an_attribute_is_no_full_disk_and_a_volume_without_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, tries: int
) -> None:
    tried = []

    def refused(_: object, name: str, value: bytes) -> None:
        tried.append(name)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(desktop, "_keeps_none", set())
    monkeypatch.setattr(os, "setxattr", refused)
    (file := tmp_path / "a.png").write_bytes(b"")
    for _ in range(2):
        desktop.describe(file, "words", "https://example.org", ())
    assert len(tried) == tries and not desktop.show(file, ["city"])


def test_whoever_reads_labels_while_they_are_written_sees_both_attributes_of_one_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a mark of ours that is half written looks as if a person had taken it off."""
    (product := tmp_path / "a.png").write_bytes(b"x")
    desktop.show(product, ["city"])
    get, read = desktop._get, list[object]()

    def slowly(file: Path | str, name: str) -> bytes:
        value = get(file, name)
        if name == desktop.XDG.labels and not writing.is_alive() and not read:
            writing.start()
            writing.join(0.05)  # it has to wait for whoever reads
        return value

    writing = threading.Thread(target=desktop.show, args=(product, ["city", "Liked"]))
    monkeypatch.setattr(desktop, "_get", slowly)
    read.append(desktop.labels_in(product))
    writing.join()
    assert read == [(["city"], ["city"])] and desktop.labels_in(product) == (["city", "Liked"], ["city", "Liked"])
