"""The id that goes along with a product when it is renamed or moved; where none can be kept, nothing happens."""

from __future__ import annotations

import errno
import os
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
