"""An order document with its templates under it. Everything that asks for a place is sent to the right file.

`Resolved` stands in for a Document: `value` is the merged one, `text` stays the bytes of the order itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from artfactoryd import schema
from artfactoryd.core.template import layer_of, merged
from artfactoryd.documents import Document
from artfactoryd.errors import Path, Problem, Refusal
from artfactoryd.planning import defaults
from artfactoryd.planning.templates import Templates

READ_ON = frozenset({"E_UNKNOWN_KEY", "E_NOT_BUILT"})  # complaints that do not keep the rest from being understood
NEEDED = ("provider", "model", "models", "parameters", "template", "cases")  # without them nothing is understood


@dataclass(frozen=True, eq=False)
class Resolved:
    document: Document
    value: dict[str, Any]
    templates: Mapping[str, str]  # the text of each that was used, by name
    defaults: Mapping[str, str]  # the texts of the drop-box's, by where they stand
    _layers: Sequence[Document] = field(repr=False)
    _sources: dict[Path, int] = field(repr=False)

    @property
    def text(self) -> bytes:
        return self.document.text

    @property
    def number(self) -> int:
        return self.document.number

    @property
    def count(self) -> int:
        return self.document.count

    def locate(self, problem: Problem) -> Problem:
        return self._layer(problem.path).locate(problem)

    def is_own(self, path: Path) -> bool:
        """Whether the order itself says it, and none of its templates."""
        return layer_of(path, self._sources) == 0

    def written(self, path: Path) -> str | None:
        return self._layer(path).written(path)

    @property
    def raw(self) -> frozenset[Path]:
        """The key paths of all that has !raw before it, in the document that says it."""
        found = ((layer, path) for layer in self._layers for path in layer.raw)
        return frozenset(path for layer, path in found if self._layer(path) is layer)

    def from_defaults(self) -> Iterator[tuple[Path, str]]:
        """What the order leaves to its drop-box: key paths, and where the value stands."""
        for path, number in self._sources.items():
            layer = self._layers[number]
            is_whole = not any(other[:-1] == path for other in self._sources)
            if layer.file in self.defaults and is_whole:
                yield path, layer.file

    def _layer(self, path: Path) -> Document:
        return self._layers[layer_of(path, self._sources)]


def resolve(
    document: Document,
    templates: Templates,
    problems: list[Problem] | None = None,
    box: Mapping[str, str] | None = None,
) -> Resolved:
    """Raises Refusal: a template that is not there, is wrong, or extends itself; the drop-box's defaults are wrong.

    With `problems` a template is left out, and they are added there. `box`: the texts of the defaults, which
    stand below the order and its templates, with templates of their own.
    """
    box = box if box and defaults.apply_to(document.text) else {}
    if box:
        document = defaults.with_prompt(document)
    layers, texts = [document], dict[str, str]()
    for layer in (document, *defaults.layers(box)):
        below = list(_below(layer, templates, (), problems))
        layers += [*([layer] if layer is not document else []), *(template for _, template in below)]
        texts |= {name: template.text.decode("utf-8", "replace") for name, template in below}
    value, sources = merged([layer.value for layer in layers])
    return Resolved(document, value, texts, box, layers, sources)


def _below(
    document: Document, templates: Templates, way: tuple[str, ...], problems: list[Problem] | None
) -> Iterator[tuple[str, Document]]:
    """The templates of a document, strongest first: the last one named wins, and what it extends comes after it."""
    given = document.value.get("template") or []
    names = [given] if isinstance(given, str) else given
    for place, name in reversed(list(enumerate(names))):
        path: Path = ("template",) if isinstance(given, str) else ("template", place)
        try:
            found = _read(document, templates, str(name), path, way)
        except Refusal as refusal:
            if problems is None:
                raise
            problems += refusal.problems
            continue
        yield str(name), found
        yield from _below(found, templates, (*way, str(name)), problems)


def _read(document: Document, templates: Templates, name: str, path: Path, way: tuple[str, ...]) -> Document:
    if name in way:
        message = f"the template {name} extends itself: {' -> '.join([*way, name])}."
        raise Refusal([document.locate(Problem("E_TEMPLATE", message, "Take one of them out.", path))])
    try:
        return templates.read(name)
    except KeyError:
        message, fix = templates.unknown(name)
        raise Refusal([document.locate(Problem("E_TEMPLATE", message, fix, path))]) from None


def complaints_of(document: Document, has_defaults: bool) -> list[Problem]:
    """What the schema has against it; what is missing may come from a template, or from the drop-box."""
    if has_defaults:
        document = defaults.with_prompt(document)
    borrows = "template" in document.value or has_defaults
    problems = schema.check(document, "order")
    return [problem for problem in problems if problem.code != "E_REQUIRED" or problem.path or not borrows]


def readable_part(document: Document, complaints: Sequence[Problem]) -> Document | None:
    """Without the keys whose values are wrong, so that all else that is wrong is told with them; None where too little
    is left to be understood."""
    keys = {complaint.path[:1] for complaint in complaints if complaint.code not in READ_ON}
    if keys & {(), *((key,) for key in NEEDED)}:
        return None
    return replace(document, value={key: value for key, value in document.value.items() if (key,) not in keys})
