"""Every YAML and JSON document that comes in, read into values that know their places in the text.

Also the way out (`dump_yaml`). Not here: what a schema says of it (schema), how YAML is parsed (yaml12), text and its
traps (source).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import yaml

from artfactoryd.core.json_types import Document as Mapped
from artfactoryd.core.json_types import Json, Value
from artfactoryd.errors import Path, Problem, Refusal
from artfactoryd.printable import printable
from artfactoryd.source import Source, is_curly_quoted, read_source
from artfactoryd.yaml12 import CORE, WORDS, Node, Root, Scalar, compose, plain, scalars

__all__ = [
    "MOST_BYTES", "Document", "Scalar", "dump_yaml", "read_documents", "read_lines", "read_scalar", "read_tree",
    "rewritten",
]  # fmt: skip

MOST_BYTES = 1 << 20
_KEY_CODES = ("E_UNKNOWN_KEY", "E_NOT_BUILT", "E_PARAMETER")  # what is wrong is the key, not its value


@dataclass(frozen=True, eq=False)
class Document:
    """One document of a file. `text`: its own bytes, as they stood there; never change `value`."""

    value: Json
    text: bytes = field(repr=False)
    number: int
    count: int
    file: str
    _root: Node = field(repr=False)
    _source: Source = field(repr=False)

    def locate(self, problem: Problem) -> Problem:
        """With file, line and column of the value (or key) at `problem.path`, or of what holds it. What is in another
        file, and says so, stays as it is."""
        if problem.file:
            return problem
        node, key = self._root, None
        for step in problem.path:
            child = node.children.get(step)
            if child is None:
                key = None
                break
            node, key = child, node.keys.get(str(step))
        inside = problem.column_in_value
        if key is not None and inside is None and problem.code in _KEY_CODES:
            node = key
        return problem.at(self.file, *self._source.position(node.start + self._offset(node, inside)))

    def moved(self, key: str, into: str) -> Document:
        """The same with what stands at `key` inside the mapping `into`, made where there is none; each value keeps its
        place in the text."""
        node, name = self._root.children[key], self._root.keys[key]
        inner = self._root.children.get(into) or Node({}, node.start, node.end)
        assert isinstance(inner.value, dict)
        inner = replace(
            inner, value={**inner.value, key: node.value}, keys={**inner.keys, key: name},
            children={**inner.children, key: node},
        )  # fmt: skip
        children = {step: child for step, child in self._root.children.items() if step != key} | {into: inner}
        keys = {into: name} | {step: where for step, where in self._root.keys.items() if step != key}
        value = {step: part for step, part in self.value.items() if step != key} | {into: inner.value}
        return replace(self, value=value, _root=replace(self._root, value=value, keys=keys, children=children))

    def written(self, path: Path) -> str | None:
        """The characters of the scalar at `path` as written (007 is not 7 here); None without one."""
        node: Node | None = self._root
        for step in path:
            node = node.children.get(step) if node else None
        return node.text if node else None

    @property
    def raw(self) -> frozenset[Path]:
        """The key paths of all that has !raw before it."""
        paths: set[Path] = set()
        unread: list[tuple[Path, Node]] = [((), self._root)]
        while unread:
            path, node = unread.pop()
            if node.raw:
                paths.add(path)
            unread += [((*path, step), child) for step, child in node.children.items()]
        return frozenset(paths)

    def _offset(self, node: Node, column: int | None) -> int:
        """From a value's start to its `column`-th character; 0 where the two cannot be told together."""
        if column is None or node.text is None:
            return 0
        raw = self._source.text[node.start : node.end]
        quoted = node.style in ("'", '"') and raw[:1] == node.style and "\n" not in raw and "\r" not in raw
        if quoted:
            pieces = _PIECES[raw[0]].findall(raw[1:-1])
            return 1 + sum(len(piece) for piece in pieces[: column - 1])
        return column - 1 if raw == node.text else 0


_PIECES = {
    "'": re.compile(r"''|."),
    '"': re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\x..|\\u.{4}|\\U.{8}|\\.|."),
}


def read_documents(data: bytes, file: str, *, most_bytes: int = MOST_BYTES) -> list[Document]:
    """The documents of a file; those with nothing in them are left out, unless all are.

    Raises Refusal with every problem. Bounded in bytes, depth and expansion before anything is composed.
    """
    source = read_source(data, file, most_bytes)
    roots = [root for root in compose(source) if not _is_nothing(root.node)]
    if not roots:
        raise Refusal([_empty(source)])
    problems = [_no_mapping(source, root.node) for root in roots if not isinstance(root.node.value, dict)]
    if problems:
        raise Refusal(problems)
    return [_document(source, roots, number) for number in range(len(roots))]


def _document(source: Source, roots: list[Root], number: int) -> Document:
    """`number` counts from 0 here, and from 1 in the document. What stands before the first belongs to it."""
    start = roots[number].start if number else 0
    end = roots[number + 1].start if number + 1 < len(roots) else len(source.text)
    text = source.data if len(roots) == 1 else source.piece(start, end)
    node = roots[number].node
    return Document(node.value, text, number + 1, len(roots), source.file, node, source)


def rewritten(document: bytes, change: Callable[[str], str]) -> str:
    """The text of a document that was read before, with whatever `change` makes of each scalar: folded over lines or
    escaped, it is told by what it means."""
    source = read_source(document, "", len(document))
    pieces, done = [], 0
    for start, end, value in scalars(source):
        if (new := change(value)) != value:
            newline = "\n" if source.text[start:end].endswith("\n") else ""
            pieces += [source.text[done:start], json.dumps(new, ensure_ascii=False), newline]
            done = end
    return "".join([*pieces, source.text[done:]])


def _is_nothing(node: Node) -> bool:
    return node.value is None and node.text == ""


def _empty(source: Source) -> Problem:
    text = source.text.strip()
    message = "the file is empty." if not text else "there are only comments or marks in this file, and no keys."
    return Problem("E_EMPTY", message, "Write keys and values into it.").at(source.file, 1, 1)


Branch = list[tuple[int, str]] | Problem  # values with their lines, or why there are none


def read_tree(data: bytes, file: str, *, most_bytes: int = MOST_BYTES) -> dict[tuple[str, ...], Branch]:
    """The lists of a file by the keys above each; of a file that is one list by no key. Raises Refusal where none of it
    can be read."""
    source = read_source(data, file, most_bytes)
    roots = compose(source)
    if len(roots) != 1:
        fix = "Write each value on a line that begins with `- `."
        raise Refusal([source.problem("E_LIST", "this is not one list of values.", fix, 0)])
    lists: dict[tuple[str, ...], Branch] = {}
    unread: list[tuple[tuple[str, ...], Node]] = [((), roots[0].node)]
    while unread:
        keys, node = unread.pop()
        if isinstance(node.value, dict):
            unread += [((*keys, str(key)), child) for key, child in reversed(node.children.items())]
        elif node.text != "" or isinstance(node.value, list):
            lists[keys] = _branch(source, node, bool(keys))
    return lists


def _branch(source: Source, node: Node, may_be_one: bool) -> Branch:
    """`may_be_one`: below a key a lone value is a list of it."""
    nodes = [node] if node.text is not None and may_be_one else list(node.children.values())
    if not nodes:
        message = "this is not one list of values." if node.text is not None else "this list is empty."
        return source.problem("E_LIST", message, "Write each value on a line that begins with `- `.", node.start)
    values: list[tuple[int, str]] = []
    for one in nodes:
        text = one.text if one.text is not None else _weighed(one.value)
        if text is None:
            message, fix = "this entry is no single value.", "Put it in quotes, or give it a key of its own."
            return source.problem("E_LIST", message, fix, one.start)
        values.append((source.position(one.start)[0], text))
    return values


def _weighed(value: Value) -> str | None:
    """`{text: a hat, weight: 2}`"""
    if not isinstance(value, dict) or not value.keys() <= {"text", "content", "weight"}:
        return None
    text, weight = value.get("text", value.get("content")), value.get("weight", 1)
    if not isinstance(text, str) or not isinstance(weight, int | float) or not 0 <= weight < 10**15:
        return None
    return text if weight == 1 else f"{f'{weight:.6f}'.rstrip('0').rstrip('.')}::{text}"


def read_lines(data: bytes, file: str, *, most_bytes: int = MOST_BYTES) -> list[tuple[int, str]]:
    """The lines of a text file, with their numbers: blanks at both ends, empty lines and # comments left out. Raises
    Refusal."""
    lines = enumerate((line.strip() for line in read_source(data, file, most_bytes).text.splitlines()), 1)
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def _no_mapping(source: Source, node: Node) -> Problem:
    fix = "Write lines of the form `key: value`."
    if isinstance(node.value, list):
        message, fix = "this is a list, not keys with values.", "Put --- between documents instead of dashes."
    elif isinstance(node.value, str) and re.search(r":\S", node.value):
        message = "this is one text, not keys with values."
        fix = "A colon needs a blank after it: `key: value`."
    else:
        message = "this is one value, not keys with values."
    return source.problem("E_NOT_MAPPING", message, fix, node.start)


def read_scalar(text: str) -> Scalar:
    """A value of an environment variable, read as a YAML scalar. Raises ValueError."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return plain(text)


# --- the way out: readable, and read back equal by readers of YAML 1.1 and 1.2 alike ---

# Booleans and merges of YAML 1.1, keys, numbers of any kind, and line ends that only some readers know.
_MISREAD = re.compile(
    r"[yYnN]|<<|=|.*:|[-+]?[0-9][0-9_.,:eExXobB+-]*|[-+]?\.[0-9a-zA-Z]+|.*[\x85\u2028\u2029\ufeff].*", re.DOTALL
)


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if printable(text) != text:
        style = '"'  # the one in which it can be written as what it is
    elif "\n" in text and not re.search(r"[^\S\n]\n|^\s|[^\n\x20-\x7e\xa0-\ud7ff]", text):
        style = "|"
    elif text in WORDS or _MISREAD.fullmatch(text) or is_curly_quoted(text):
        style = '"'
    return dumper.represent_scalar(CORE + "str", text, style=style)


def _write_mapping(dumper: yaml.SafeDumper, value: Mapped) -> yaml.MappingNode:
    return dumper.represent_mapping(CORE + "map", value.items(), flow_style=not value)


def _writer(base: type[yaml.SafeDumper]) -> type[yaml.SafeDumper]:
    """Quotes what YAML 1.1 or 1.2 readers would take for something else, and writes every value out."""
    writer: type[yaml.SafeDumper] = type("Writer", (base,), {"ignore_aliases": lambda self, data: True})
    writer.add_representer(str, _write_text)
    writer.add_multi_representer(Mapping, _write_mapping)  # type: ignore[type-abstract]
    return writer


_FAST, _WHOLE = _writer(getattr(yaml, "CSafeDumper", yaml.SafeDumper)), _writer(yaml.SafeDumper)


def dump_yaml(value: Value) -> str:
    """Readable block style; keys in their order, unicode kept, but for what would act. What comes out is read back
    equal."""

    def dump(writer: type[yaml.SafeDumper]) -> str:
        text = yaml.dump(value, Dumper=writer, allow_unicode=True, sort_keys=False, width=2**31 - 1)
        return printable(str(text))

    text = dump(_FAST)
    return dump(_WHOLE) if "\\U000" in text else text  # the fast one escapes what lies beyond U+FFFF
