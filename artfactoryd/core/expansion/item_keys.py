"""When two items are the same: nothing that is sent for them differs, and they are the same copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256

from artfactoryd.core.expansion.plan import Plan, PlannedItem
from artfactoryd.core.expansion.stages import fed
from artfactoryd.core.json_types import Document, Parameters, Value
from artfactoryd.core.model import Model
from artfactoryd.core.parameters import file_leaves
from artfactoryd.core.parameters.file_leaves import told_by
from artfactoryd.core.parameters.secret_values import known_as, name_of, references
from artfactoryd.core.seeds import WHOLE

LENGTH = 40  # hexadecimal digits of a key; 160 bits


class Keys:
    """Of the items of one plan, asked for in its order. A picture is its bytes, wherever it lies and however called.

    What a stage is fed with is known by its bytes once `came` has told them; until then by what will make it, so that
    what is made of equal products is equal, and equals nothing that was made before.
    """

    def __init__(self, plan: Plan) -> None:
        self._inputs, self._staged = plan.inputs, bool(plan.stages)
        self._heads = [_head(each) for each in plan.all_models]
        self._models = [each if each.files or plan.secrets else None for each in plan.all_models]
        self._products: dict[int, str] = {}  # by their places in the order
        self._made: set[int] = set()

    def of(self, item: PlannedItem) -> str:
        return _key(self._heads[item.model], self.compared(item), item.copy, item.asked)

    def seedless(self, item: PlannedItem, seed: str) -> str:
        """Equal for items that differ in nothing but this parameter."""
        told = {name: value for name, value in self.compared(item).items() if name != seed}
        return _key(self._heads[item.model], told, item.copy, item.asked)

    def compared(self, item: PlannedItem) -> Parameters:
        """Its parameters, with every picture told by its bytes."""
        model = self._models[item.model]
        if model is None:
            return item.parameters
        told = settled(item.parameters, model, self._inputs)
        if item.parent is None:
            return told
        return settled(told, model, {fed(item.parent): self._products.get(item.parent, "")})

    def came(self, item: PlannedItem, key: str, made: Iterable[tuple[int, str]]) -> None:
        """`made`: SHA-256 by the place among its outputs, of the products that an equal item made."""
        if not self._staged:
            return
        places = range(item.first_index, item.first_index + item.asked)
        self._products |= {place: f"{key} {output}" for output, place in enumerate(places)}
        for output, content in made:
            self._products[item.first_index + output] = content
            self._made.add(item.first_index + output)

    def is_fed(self, item: PlannedItem) -> bool:
        """Whether what it is made from is known by its bytes."""
        return item.parent is None or item.parent in self._made


def key_of(model: Model, parameters: Parameters, contents: Mapping[str, str], copy: int, asked: int) -> str:
    """`contents`: SHA-256 by the value written for a picture."""
    return _key(_head(model), settled(parameters, model, contents), copy, asked)


def seedless_key(model: Model, parameters: Parameters, contents: Mapping[str, str], copy: int, asked: int) -> str:
    """Equal for items that differ in nothing but their seeds."""
    others = {name: value for name, value in parameters.items() if name != model.seed}
    return key_of(model, others, contents, copy, asked)


def key_in(sidecar: Document) -> str | None:
    """Of the item that a product's sidecar tells of; None where nothing may equal it. Raises as a wrong sidecar does.

    One that an older release wrote does not say it: there a picture is told by its bytes too, whatever it was called;
    of a list of pictures each in its turn.
    """
    if sidecar["rehearsal"]:
        return None
    if "key" in sidecar["item"]:
        return str(sidecar["item"]["key"])
    return _key_told(sidecar, "")


def seedless_key_in(sidecar: Document, seed: str) -> str | None:
    """The same, whatever the parameter `seed` was."""
    return None if sidecar["rehearsal"] else _key_told(sidecar, seed)


def _key_told(sidecar: Document, without: str) -> str:
    parameters, pictures = dict(sidecar["parameters"]["generation"]), defaultdict(list)
    for picture in sidecar["inputs"]:
        pictures[picture["parameter"]].append(picture["sha256"])
    for name, contents in pictures.items():
        place = file_leaves.read(name, parameters)
        if place is None:
            raise KeyError(name)
        whole = isinstance(parameters.get(name), list)
        parameters = file_leaves.replaced(parameters, {place: contents if whole else contents[0]})
    parameters.pop(without, None)
    model = sidecar["model"]
    head = _encoded([sidecar["provider"], model["id"], model["version"]])
    return _key(head, parameters, int(sidecar["item"]["copy"]), int(sidecar["outputs"]["asked"]))


def _head(model: Model) -> str:
    return _encoded([model.provider, model.id, model.version])


def _key(head: str, parameters: Parameters, copy: int, asked: int) -> str:
    text = f"[{head},{_encoded(parameters)},{copy},{asked}]"
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:LENGTH]


def _encoded(value: object) -> str:
    return WHOLE.encode(value)


def settled(parameters: Parameters, model: Model, contents: Mapping[str, str]) -> dict[str, Value]:
    """With every file told by its SHA-256."""
    secrets = ((place, known_as(name_of(place), text, contents)) for place, text in references(model, parameters))
    found = [*model.places(parameters), *secrets]
    told: dict[str, Value] = told_by(dict(parameters), found, contents)
    return told


def difference(wanted: Parameters, made: Parameters, model: Model, version: str | None) -> list[str]:
    """What keeps an item from being one that was made: names of parameters, or `model version`."""
    names = sorted(name for name in {*wanted, *made} if wanted.get(name) != made.get(name))
    return [*(["model version"] if model.version != version else []), *names]
