"""Whether an installed library is a release that its user asks for: the range stands in the user's own metadata.

A client library that sends a create again by itself buys twice. Which releases of one are known to send it once is
what pyproject.toml says, and pip does not hold anybody to that. Not here: the wire that stops a second create.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata

_BOUND = re.compile(r"(<|>=)(\d+(?:\.\d+)*)")


class UnsafeLibrary(Exception):
    """The release that is installed is none that is known to send a create once."""

    def __init__(self, library: str, version: str, requirement: str) -> None:
        super().__init__(
            f"{library} {version} is installed, and only of {requirement} is it known that a create is sent once. "
            "With another release the same picture may be paid for twice"
        )
        self.way_out = f"Nothing was sent. Install a release that is known (pip install '{requirement}')."


def require(library: str, of: str = "artfactoryd") -> None:
    """Raises UnsafeLibrary where a release is installed that the distribution `of` does not ask for."""
    requirement = requirements(of).get(_normal(library))
    try:
        version = metadata.version(library)
    except metadata.PackageNotFoundError:  # whoever imports it says so
        return
    if requirement is not None and not fits(version, requirement):
        raise UnsafeLibrary(library, version, requirement)


def requirements(of: str = "artfactoryd") -> dict[str, str]:
    """What it cannot do without, by normal name, as pip takes it: `replicate<2,>=1.0.7`."""
    try:
        lines = [line for line in metadata.requires(of) or [] if "extra ==" not in line and _is_for_here(line)]
    except metadata.PackageNotFoundError:
        return {}
    asked = ["".join(line.partition(";")[0].split()) for line in lines]
    return {_normal(re.split(r"[^\w.-]", one)[0]): one for one in asked}


def _is_for_here(line: str) -> bool:
    """Of what a requirement may be bound to, the system is understood."""
    system = re.search(r"""sys_platform == ['"](\w+)['"]""", line)
    return system is None or system[1] == sys.platform


def fits(version: str, requirement: str) -> bool:
    """Of the bounds of a requirement, `>=` and `<` are understood; of a version, its release: a 2.0b1 is a 2.0."""
    release = _release(version)
    bounds = [(sign, _release(bound)) for sign, bound in _BOUND.findall(requirement)]
    return all(release < bound if sign == "<" else release >= bound for sign, bound in bounds)


def _release(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(number) for number in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
