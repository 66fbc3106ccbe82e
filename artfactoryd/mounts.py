"""Which file system a folder lies on, as the system tells it. Ground floor."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# fmt: off
NETWORK = frozenset({
    "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.davfs", "fuse.gvfsd-fuse",
    "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4",
    "smb2", "smb3", "smbfs", "sshfs", "webdav",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Mount:
    point: Path
    kind: str


def mount_of(folder: Path, mounts: list[Mount]) -> Mount | None:
    """The mount that `folder` (resolved) lies on: the deepest, and of equals the one made last."""
    over = [mount for mount in mounts if folder.is_relative_to(mount.point)]
    return max(enumerate(over), key=lambda pair: (len(pair[1].point.parts), pair[0]))[1] if over else None


def network_place(root: Path, known: list[Mount]) -> str | None:
    """Why the volume under `root` is no place for a home; None for a local one."""
    deepest = mount_of(root, known)
    if deepest is None or deepest.kind not in NETWORK:
        return None
    return (
        f"{deepest.point} is a network volume ({deepest.kind}), where locks and flushes cannot be trusted. "
        "Choose a folder on a disk of this machine; only `inbox.path` may be on such a volume."
    )


def is_on_network(folder: Path) -> bool:
    """On a volume that keeps silent about what other machines change there, as far as the system tells."""
    mount = mount_of(folder.resolve(), mounts())
    return mount is not None and mount.kind in NETWORK


def mounts() -> list[Mount]:
    """Every mounted volume; none when the system does not tell."""
    try:
        if sys.platform == "darwin":
            output = subprocess.run(["/sbin/mount"], capture_output=True, timeout=5, check=True)
            return parse_mount_output(output.stdout.decode("utf-8", "surrogateescape"))
        return parse_mountinfo(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape"))
    except (OSError, subprocess.SubprocessError):
        return []


def parse_mountinfo(text: str) -> list[Mount]:
    """Linux: `36 35 98:0 /root /point options … - kind source superoptions`, blanks as `\\040`."""
    volumes = []
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if dash and len(fields) >= 5:
            volumes.append(Mount(Path(re.sub(r"\\([0-7]{3})", _letter, fields[4])), after.split(" ")[0]))
    return volumes


def parse_mount_output(text: str) -> list[Mount]:
    """macOS, `mount`: `source on /point (kind, options)`; source and point may hold blanks and brackets."""
    matches = (re.fullmatch(r".*? on (/.*) \(([\w.]+)(?:,.*)?\)", line) for line in text.splitlines())
    return [Mount(Path(match[1]), match[2]) for match in matches if match]


def _letter(escaped: re.Match[str]) -> str:
    return chr(int(escaped[1], 8))
