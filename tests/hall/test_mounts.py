"""What the system says of its mounts, read on any system."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd import mounts
from artfactoryd.mounts import Mount, parse_mount_output, parse_mountinfo


def test_the_linux_mount_table_is_read_with_its_escapes_and_optional_fields() -> None:
    text = (
        "22 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw\n"
        "30 22 0:44 / /mnt/my\\040share rw,relatime - nfs4 server:/x rw,vers=4.2\n"
        "a line of another shape\n"
    )
    assert parse_mountinfo(text) == [Mount(Path("/"), "ext4"), Mount(Path("/mnt/my share"), "nfs4")]


def test_the_mac_mount_table_is_read_with_blanks_and_brackets_in_names() -> None:
    text = (
        "/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)\n"
        "map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)\n"
        "//ann@nas._smb._tcp.local/my%20art on /Volumes/my art (old) (smbfs, nodev, nosuid, mounted by ann)\n"
    )
    assert parse_mount_output(text)[::2] == [Mount(Path("/"), "apfs"), Mount(Path("/Volumes/my art (old)"), "smbfs")]


def test_a_folder_on_a_network_volume_is_known_also_by_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share, link = tmp_path / "share", tmp_path / "link"
    share.mkdir()
    link.symlink_to(share)
    monkeypatch.setattr(mounts, "mounts", lambda: [Mount(Path("/"), "ext4"), Mount(share.resolve(), "nfs4")])
    assert mounts.is_on_network(link) and not mounts.is_on_network(tmp_path)
