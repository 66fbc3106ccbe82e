"""A Homebrew formula of this release, from the lock: `make formula URL=ADDRESS` writes dist/artfactoryd.rb.

ADDRESS is where the source archive of the release can be had; the archive itself is read from dist/. Each library is
the very release of the lock, its source archive held against the lock's hashes. Where libraries are fetched from is
asked of pip: no registry's address stands here.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
NAME = "artfactoryd"
SIMPLE = {"Accept": "application/vnd.pypi.simple.v1+json"}
SYSTEMS = ("darwin", "linux")
PYTHON = "3.13"
ENDINGS = (".tar.gz", "-py3-none-any.whl", "-py2.py3-none-any.whl")
PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\\n]+))?")
ASKED_BY = re.compile(r"# +(?:via +)?([A-Za-z0-9][A-Za-z0-9._-]*)")
HASHED = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Pin:
    """`hashes`: of every archive of it that may be installed. `needed_by`: the libraries that ask for it."""

    version: str
    hashes: frozenset[str]
    needed_by: frozenset[str]


@dataclass(frozen=True, slots=True)
class Archive:
    name: str
    url: str
    sha256: str


def pins(lock: str) -> dict[str, Pin]:
    """Of a requirements file with hashes, what is for one of the systems of the program."""
    found: dict[str, Pin] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock):
        if (pinned := PINNED.match(block)) and _is_ours(pinned["marker"]):
            asked_by = frozenset(map(canonicalize_name, ASKED_BY.findall(block)))
            found[canonicalize_name(pinned["name"])] = Pin(
                pinned["version"], frozenset(HASHED.findall(block)), asked_by
            )
    return found


def _is_ours(marker: str | None) -> bool:
    known = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0"}
    systems = ({**known, "sys_platform": name, "platform_system": name.title()} for name in SYSTEMS)
    return marker is None or any(Marker(marker).evaluate(system) for system in systems)


def needed(locked: Mapping[str, Pin], direct: Iterable[str]) -> list[str]:
    """The libraries that the program asks for, and those that they ask for in turn."""
    found = set[str](canonicalize_name(Requirement(one).name) for one in direct) & locked.keys()
    while more := {name for name, pin in locked.items() if name not in found and pin.needed_by & found}:
        found |= more
    return sorted(found)


def archive(client: httpx.Client, index: str, name: str, pin: Pin) -> Archive:
    """Its source archive, or where it has none a wheel for every system; the lock must know it. Raises LookupError."""
    page = f"{index.rstrip('/')}/{name}/"
    answer = client.get(page, headers=SIMPLE, follow_redirects=True)
    answer.raise_for_status()
    known = [file for file in answer.json()["files"] if file["hashes"].get("sha256") in pin.hashes]
    for ending in ENDINGS:
        for file in known:
            if file["filename"].endswith(ending):
                return Archive(name, str(httpx.URL(page).join(file["url"])), file["hashes"]["sha256"])
    raise LookupError(f"{name} {pin.version} has no archive for every system that the lock knows.")


LAST = """  def install
    virtualenv_install_with_resources
    man1.install "man/artfactoryd.1"
    bash_completion.install "completions/artfactoryd.bash" => "artfactoryd"
    zsh_completion.install "completions/_artfactoryd"
    fish_completion.install "completions/artfactoryd.fish"
  end

  service do
    run [opt_bin/"artfactoryd", "run", "--supervised"]
    keep_alive crashed: true
    process_type :background
    log_path var/"log/artfactoryd.log"
    error_log_path var/"log/artfactoryd.log"
  end

  test do
    system bin/"artfactoryd", "--home", testpath/"home", "init"
    assert_path_exists testpath/"home/Inbox"
  end
"""


def formula(version: str, own: Archive, libraries: Sequence[Archive]) -> str:
    """In Ruby."""
    resources = "\n".join(
        f'  resource "{one.name}" do\n    url "{one.url}"\n    sha256 "{one.sha256}"\n  end\n' for one in libraries
    )
    return f'''class Artfactoryd < Formula
  include Language::Python::Virtualenv

  desc "Pictures by paid models, from orders dropped into a folder"
  url "{own.url}"
  version "{version}"
  sha256 "{own.sha256}"
  license "MIT"

  depends_on "rust" => :build
  depends_on "jpeg-turbo"
  depends_on "libavif"
  depends_on "libtiff"
  depends_on "libyaml"
  depends_on "little-cms2"
  depends_on "python@{PYTHON}"
  depends_on "webp"

{resources}
{LAST}end
'''


def index_of_pip(environ: Mapping[str, str]) -> str:
    """Where pip takes its packages from."""
    if told := environ.get("PIP_INDEX_URL"):
        return told
    pip = [sys.executable, "-m", "pip"]
    configured = subprocess.run([*pip, "config", "get", "global.index-url"], capture_output=True, text=True)
    if configured.returncode == 0 and configured.stdout.strip():
        return configured.stdout.strip()
    manual = subprocess.run([*pip, "download", "--help"], capture_output=True, text=True, check=True).stdout
    standard = re.search(r"\(default\s+(https://\S+?)\)", manual)
    if standard is None:
        raise LookupError("pip does not say where it takes packages from: set PIP_INDEX_URL.")
    return standard[1]


def main() -> None:
    url = os.environ.get("URL") or sys.exit("Say where the release's source archive is: make formula URL=https://...")
    packed = sorted((ROOT / "dist").glob(f"{NAME}-*.tar.gz"))
    if len(packed) != 1:
        sys.exit(f"dist/ has {len(packed)} source archives, and needs one: rm -r dist; python -m build --sdist")
    [source] = packed
    locked, index = pins((ROOT / "requirements.lock").read_text()), index_of_pip(os.environ)
    direct = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    own = Archive(NAME, url, hashlib.sha256(source.read_bytes()).hexdigest())
    with httpx.Client(timeout=30) as client:
        libraries = [archive(client, index, name, locked[name]) for name in needed(locked, direct)]
    version = source.name.removeprefix(f"{NAME}-").removesuffix(".tar.gz")
    (ROOT / "dist" / f"{NAME}.rb").write_text(formula(version, own, libraries), encoding="utf-8")


if __name__ == "__main__":
    main()
