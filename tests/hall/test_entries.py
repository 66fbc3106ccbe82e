from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from artfactoryd import entries


def test_the_sha256_of_a_file_is_that_of_its_bytes_and_no_link_is_followed(tmp_path: Path) -> None:
    (file := tmp_path / "car.png").write_bytes(b"a car")
    (link := tmp_path / "link.png").symlink_to(file)
    assert entries.sha256(file) == entries.digest(file) == hashlib.sha256(b"a car").hexdigest()
    for wrong in (link, tmp_path, tmp_path / "nothing.png"):
        with pytest.raises(OSError):
            entries.sha256(wrong)
