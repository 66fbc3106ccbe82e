"""What was most likely not meant, and has a reading all the same: quotes around options, JSON that is read as tokens,
tokens where nothing is expanded. Each holds the order."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence

from artfactoryd.core.grammar.lookups import Lookups
from artfactoryd.core.grammar.tokens import Choice, Part, Reference, TextReader
from artfactoryd.core.json_types import Value
from artfactoryd.core.parameters.file_leaves import Place
from artfactoryd.errors import Path, Problem

QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
_TEXTS = re.compile(r"(.*_)?(prompts?|text)")  # names under which a model takes a text
_PLACEHOLDER = re.compile(
    r"(?P<open>\{\{|\$\{|\$\(|\{|<<|<|%|\u00ab)(?P<name>[\w ][\w /-]{0,60})(?P<close>\}\}|\}|\)|>>|>|%|\u00bb)"
)
_CLOSES = {
    "}}": {"{{"}, "}": {"{", "${"}, ")": {"$("}, ">>": {"<<"}, ">": {"<"}, "%": {"%"}, "\u00bb": {"\u00ab"},
}  # fmt: skip
MOST_SHOWN = 60  # characters of what was written
RAW = "Put !raw before the value, or its name under `raw`, if it is to be sent as it is."


def slips_in(value: str, subs: Sequence[Sequence[Part]], path: Path) -> Iterator[Problem]:
    """Of a text with its parts: JSON, else options in quotes."""
    tokens = [part for sub in subs for part in sub if not isinstance(part, str)]
    is_json = _json(value)
    if is_json is not None:
        if is_json:
            column = min((token.place for token in tokens), default=0) + 1
            message = "this is JSON, and its lists would be read as choices."
            yield Problem("W_JSON", message, RAW, path, column, holds=True)
        return
    for token in tokens:
        quoted = [option for option in token.options if _is_quoted(option.text)] if isinstance(token, Choice) else []
        if quoted:
            plain = quoted[0].text[:MOST_SHOWN].strip(QUOTES)
            message = f"the quotes in {token.token[:MOST_SHOWN]} would be sent with the words."
            fix = f"Write {plain} without them; blanks need none, and a comma in an option is written \\,."
            yield Problem("W_QUOTED", message, fix, path, quoted[0].place + 1, holds=True)


def placeholders(value: str, lookups: Lookups, path: Path) -> Iterator[Problem]:
    """Columns and lookups as other tools write them: `{sku}`, `{{ sku }}`, `<<sku>>`, `${sku}`, `%sku%`."""
    for written in _PLACEHOLDER.finditer(value):
        name = lookups.spelled(written["name"].strip()) if written["open"] in _CLOSES[written["close"]] else None
        if name is None:
            continue
        is_field = name in lookups.fields
        what = "column" if is_field else "lookup"
        message = f"{written[0]} is sent as it stands: in a text the {what} {name} is written otherwise."
        fix = f"Write [={name}]." if is_field else f"Write [{name}] for all of its values, [~{name}] for one."
        yield Problem("W_FOREIGN", message, fix, path, written.start() + 1, holds=True)


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and (text[0] in QUOTES or text[-1] in QUOTES)


def _json(value: str) -> bool | None:
    """Whether a text is a JSON object of several members with a list among them; None when it is no JSON object.

    What stands in brackets in its texts alone may well be tokens; and of one member each choice makes JSON again.
    """
    if value.strip()[:1] != "{":
        return None
    try:
        unread = [json.loads(value)]
    except (ValueError, RecursionError):
        return None
    members, lists = 0, 0
    while unread:
        one = unread.pop()
        if isinstance(one, list):
            lists += 1
            unread += one
        elif isinstance(one, dict):
            members += len(one)
            unread += one.values()
    return members > 1 and lists > 0


def unread_tokens(name: str, value: Value, path: Path, read: Collection[Place] = ()) -> Iterator[Problem]:
    """Tokens in the texts inside a value that is taken whole. `read`: places of those that are read."""
    if not isinstance(value, list | dict):
        return
    for inside, text in _texts(name, value):
        if inside in read:
            continue
        tokens = [token for sub in TextReader(text, path).read() for part in sub for token in _meant(part)]
        if tokens:
            where = ".".join(str(step) for step in (name, *inside))
            message = f"{tokens[0][:MOST_SHOWN]} in {where} would be sent as it stands: nothing is expanded there."
            fix = f"Write each value of {name} out, one for each item: a list of lists, or `cases`. {RAW}"
            yield Problem("W_NESTED", message, fix, (*path, *inside), holds=True)


def _texts(name: str, value: Value) -> Iterator[tuple[Path, str]]:
    """Below the names of texts, with their places in the value."""
    unread: list[tuple[Path, str, Value]] = [((), name, value)]
    while unread:
        place, under, one = unread.pop()
        if isinstance(one, str) and _TEXTS.fullmatch(under):
            yield place, one
        elif isinstance(one, dict):
            unread += [((*place, key), key, deeper) for key, deeper in one.items()]
        elif isinstance(one, list):
            unread += [((*place, number), under, deeper) for number, deeper in enumerate(one)]


def _meant(part: Part) -> list[str]:
    is_token = isinstance(part, Reference) or (isinstance(part, Choice) and len(part.options) > 1)
    return [part.token] if is_token and not isinstance(part, str) else []
