"""The door of printing: what comes from outside is shown as text, on a terminal and in the files a person reads.

An escape sequence, a control or an override of the direction of writing would act there instead of being seen.

And what must never be read by others is taken out of words that a provider, a library or a person chose: every secret
that this process has resolved is known as it is (`hide`), others by their shape or the name that stands before them.
"""

from __future__ import annotations

import json
import re

LEAST = 6  # characters of a secret that is looked for as it is: a shorter one would be found in ordinary words
MASK = "[key]"
_hidden: tuple[str, ...] = ()  # the longest first: another may be a part of it

_SHAPES = re.compile(
    r"\br8_\w+"
    r"|\b(?:hf|ghp|gho|pat)_\w{6,}"
    r"|\bsk-[\w*.-]{3,}"
    r"|\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*"
    r"|(?i:\bbearer\s+)[^\s'\",]{6,}"
    r"|(?i:\b(?:key|token)\s+)(?=[^\s'\",]*\d)[^\s'\",]{16,}"  # "Key ID:SECRET", not "key parameters"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{16,}"
    r"|(?<=://)[^\s/'\"]+(?=@)"  # user and password of an address
)
# Without one of these no shape is there; to look for them takes a tenth of the time. In small letters.
_SIGNS = ("r8_", "hf_", "ghp_", "gho_", "pat_", "sk-", "eyj", "bearer", "key", "token", "@")
_PAIR = re.compile("-[0-9a-f]{12}:[0-9a-f]")
# A name, what separates it, and the secret: `Authorization: Bearer x`, `"api_key": "x"`, `token=x`, `&signature=x`
_REST = r"[^\s'\"&#,;)\]}]"
_NOT = r"(?!\[key\]|env:|file:|keychain\b)"  # taken out already, or the place of a secret, which may be read
_QUOTE = r"\\?[\"']?"
_STRONG = (
    r"api[_-]?key|access[_-]?key|secret|password|passwd|signature|credential"
    r"|(?:access|auth|api|session|security)[_-]?token"
)
_NAMED = re.compile(
    rf"(?P<header>(?i:\bauth(?:z|orization){_QUOTE}\s*[:=]\s*{_QUOTE})){_NOT}(?i:(?:bearer|basic|token|key)(?:\s|%20)+)?{_REST}+"
    rf"|(?P<strong>(?i:\b(?:[\w-]{{0,40}}[_-])?(?:{_STRONG}){_QUOTE}\s*[:=]\s*{_QUOTE})){_NOT}{_REST}{{6,}}"
    rf"|(?P<equals>(?i:\b[\w-]{{0,40}}(?:token|key|secret|password|signature)={_QUOTE})){_NOT}{_REST}+"
    rf"|(?P<words>(?i:\b(?:authorization|access|auth|api|bearer)[ -](?:token|key)(?: provided)?:?\s+{_QUOTE})){_NOT}"
    rf"(?={_REST}*\d){_REST}{{8,}}"
    rf"|(?P<weak>(?i:\b(?:key|token){_QUOTE}:\s*{_QUOTE})){_NOT}(?={_REST}*\d){_REST}{{8,}}"
)
_NAMES = ("auth", "key", "token", "secret", "passw", "signature", "credential")  # without one of them none is named
_QUERY = re.compile(
    r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s?#'\"<>\\]{1,2048})\?(?!token=\[key\])[^\s'\"<>\\]+", re.IGNORECASE
)

# C0 without tab and line feed, DEL, C1, surrogates, the marks and overrides of direction, line and paragraph separator
ACTS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"  # of a pattern
_ACTS = re.compile(f"[{ACTS}]")


def printable(text: str) -> str:
    """The text with what would act shown as JSON writes it, so that JSON stays JSON; its lines stay lines."""
    return text if text.isprintable() else _ACTS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: object) -> str:
    """A name, a prompt or a provider's word within a line: its own line breaks are shown too."""
    return printable(str(text).replace("\r\n", "\n").replace("\n", "\\n"))


def paper(text: str) -> bytes:
    """As it is written beside a file: an address in it may have held a password, a name what would act when read."""
    return printable(redact(text).rstrip("\n") + "\n").encode()


def hide(secret: str) -> None:
    """From now on it is taken out of all words, whatever stands around it, in each form in which it may come back."""
    global _hidden
    if len(secret) >= LEAST:
        from urllib.parse import quote  # imported late: every command loads this module, and few have a secret to hide

        forms = {*_hidden, secret, json.dumps(secret)[1:-1], quote(secret, safe="")}
        _hidden = tuple(sorted(forms, key=len, reverse=True))


def without_secrets(text: str) -> str:
    """Without what was hidden; all else stays, so that JSON stays JSON."""
    for secret in _hidden:
        text = text.replace(secret, MASK)
    return text


def redact(text: str) -> str:
    """The text with everything that looks like a credential replaced by `[key]`, and addresses, which a query may
    sign, without it."""
    text = without_secrets(text)
    lower = text.lower()
    return _without_shapes(_NAMED.sub(_masked, text) if any(name in lower for name in _NAMES) else text)


def redact_json(text: str) -> str:
    """The same of JSON, whose keys are no names of secrets: only what is a secret by its shape, or known."""
    return _without_shapes(without_secrets(text))


def _without_shapes(text: str) -> str:
    lower = text.lower()
    if any(sign in lower for sign in _SIGNS) or _PAIR.search(lower):
        text = _SHAPES.sub(MASK, text)
    return _QUERY.sub(r"\1?…", text) if "?" in text else text


def _masked(match: re.Match[str]) -> str:
    return f"{match[match.lastgroup or 0]}{MASK}"
