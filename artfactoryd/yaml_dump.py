"""YAML as it is written here: readable, and read back equal by readers of YAML 1.1 and 1.2 alike."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from artfactoryd.core.json_types import Document, Value
from artfactoryd.source import (
    is_curly_quoted,
)
from artfactoryd.yaml12 import CORE, WORDS

# Booleans and merges of YAML 1.1, keys, numbers of any kind, and line ends that only some readers know.
_MISREAD = re.compile(
    r"[yYnN]|<<|=|.*:|[-+]?[0-9][0-9_.,:eExXobB+-]*|[-+]?\.[0-9a-zA-Z]+|.*[\x85\u2028\u2029\ufeff].*", re.DOTALL
)


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text and not re.search(r"[^\S\n]\n|^\s|[^\n\x20-\x7e\xa0-\ud7ff]", text):
        style = "|"
    elif text in WORDS or _MISREAD.fullmatch(text) or is_curly_quoted(text):
        style = '"'
    return dumper.represent_scalar(CORE + "str", text, style=style)


def _write_mapping(dumper: yaml.SafeDumper, value: Document) -> yaml.MappingNode:
    return dumper.represent_mapping(CORE + "map", value.items(), flow_style=not value)


def _writer(base: type[yaml.SafeDumper]) -> type[yaml.SafeDumper]:
    """Quotes what YAML 1.1 or 1.2 readers would take for something else, and writes every value out."""
    writer: type[yaml.SafeDumper] = type("Writer", (base,), {"ignore_aliases": lambda self, data: True})
    writer.add_representer(str, _write_text)
    writer.add_multi_representer(Mapping, _write_mapping)  # type: ignore[type-abstract]
    return writer


_FAST, _WHOLE = _writer(getattr(yaml, "CSafeDumper", yaml.SafeDumper)), _writer(yaml.SafeDumper)


def dump_yaml(value: Value) -> str:
    """Readable block style; keys in their order, unicode kept. What comes out is read back equal."""

    def dump(writer: type[yaml.SafeDumper]) -> str:
        return str(yaml.dump(value, Dumper=writer, allow_unicode=True, sort_keys=False, width=2**31 - 1))

    text = dump(_FAST)
    return dump(_WHOLE) if "\\U000" in text else text  # the fast one escapes what lies beyond U+FFFF
