"""The door of printing: what comes from outside is shown as text, on a terminal and in the files a person reads.

An escape sequence, a control or an override of the direction of writing would act there instead of being seen.
"""

from __future__ import annotations

import re

# C0 without tab and line feed, DEL, C1, surrogates, the marks and overrides of direction, line and paragraph separator
_ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with what would act shown as JSON writes it, so that JSON stays JSON; its lines stay lines."""
    return _ACTS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: object) -> str:
    """A name, a prompt or a provider's word within a line: its own line breaks are shown too."""
    return printable(str(text).replace("\r\n", "\n").replace("\n", "\\n"))
