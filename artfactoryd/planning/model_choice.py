"""The model that an order names: from the catalogue, as its provider described it, or with nothing known about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from pathlib import PurePath

from artfactoryd.core.catalog import Catalog
from artfactoryd.core.inbox_rules import PICTURE, SUFFIXES
from artfactoryd.core.model import Model
from artfactoryd.core.order import Order
from artfactoryd.core.parameters.model_update import completed
from artfactoryd.errors import Path, Problem, Refusal
from artfactoryd.factories.registry import broken
from artfactoryd.planning import models as library
from artfactoryd.planning.catalogue import absent, retired

Name = tuple[str, str]  # provider, full id
MOST_NAMES = 12  # of models, in one sentence
ALIKE = 0.8  # so near a name that the model it belongs to tells what is wrong with the parameters


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of asking providers about models that are not in the catalogue."""

    models: Mapping[Name, Model] = field(default_factory=dict)
    silent: Mapping[Name, str] = field(default_factory=dict)  # nobody could tell what they take, and why
    unknown: Mapping[Name, str] = field(default_factory=dict)  # there is none of that name; the provider's words


class ModelsUnknown(Refusal):
    """`names`: full ids about which their providers have not been asked."""

    def __init__(self, problems: Sequence[Problem], names: Sequence[Name]) -> None:
        super().__init__(problems)
        self.names = tuple(names)


@dataclass(frozen=True, slots=True)
class Choice:
    """With problems, `model` only serves to find what else is wrong. `ask`: its provider may know it."""

    model: Model
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    ask: Name | None = None

    def below(self, path: Path) -> Choice:
        """Of an order that names several: with the key path of this one."""

        def placed(problems: Sequence[Problem]) -> tuple[Problem, ...]:
            return tuple(replace(each, path=(*path, *each.path)) for each in problems)

        return replace(self, problems=placed(self.problems), warnings=placed(self.warnings))


def choose(catalog: Catalog, told: FilePath, heard: Heard, provider: str, name: str) -> Choice:
    if bad := broken().get(provider):
        problem = Problem("E_PROVIDER", bad.text, bad.way_out, ("provider",))
        return Choice(_instead(catalog, provider, name), (problem,))
    if provider not in catalog.providers():
        near = difflib.get_close_matches(provider, catalog.providers(), n=1)
        fix = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(catalog.providers())}."
        problem = Problem("E_PROVIDER", f"there is no provider {provider!r}.", fix, ("provider",))
        return Choice(_instead(catalog, near[0] if near else provider, name), (problem,))
    found = catalog.find(provider, name) or heard.models.get((provider, name))
    if found is None and ":" in name:
        found = library.told_version(told, provider, name)
    if over := retired.ended(provider, name, found, told):
        return Choice(_instead(catalog, provider, name), (retired.problem(over, name, catalog),))
    if found is None and (why := absent.lack(provider, name)):
        return Choice(_instead(catalog, provider, name), (absent.problem(name, why),))
    if found is not None:
        return _completed(found, heard) if found.is_open else Choice(found)
    if (provider, name) in heard.silent:
        return Choice(bare(provider, name), warnings=(_unchecked(catalog, provider, name, heard),))
    return _not_known(catalog, heard, provider, name)


def _completed(model: Model, heard: Heard) -> Choice:
    """One of a person's own files, of which its provider knows more: what is installed there, and what costs."""
    name, path = (model.provider, model.full), ("model",)
    if said := heard.models.get(name):
        model = completed(model, said)  # laid over the file as it is now
        return Choice(model, warnings=tuple(_paid(model)))
    if why := heard.unknown.get(name):
        return Choice(model, (Problem("E_MODEL", f"{model.short} cannot be made. {why}", "", path),))
    fix = f"Start {model.provider}; `artfactoryd models refresh {model.short}` asks it."
    if why := heard.silent.get(name):
        message = f"{model.provider} could not be asked about {model.short}, so its values are not checked yet"
        warning = Problem("W_NOT_ASKED", f"{message}: {why}", fix, path)
        return Choice(model, warnings=tuple(_paid(model)) if model.schema_as_of else (warning,))
    message = f"{model.provider} was not asked what {model.short} takes, and whether it costs anything."
    return Choice(model, (Problem("E_MODEL", message, fix, path),), ask=name)


def _paid(model: Model) -> Iterator[Problem]:
    if paid := model.recipe.get("paid"):
        message = f"{model.short} has a part that somebody else runs for money: {', '.join(paid)}."
        fix = "What it costs is not told: give the order a `price`, or its model file."
        yield Problem("W_PAID", message, fix if model.price is None else "", ("model",))


def _not_known(catalog: Catalog, heard: Heard, provider: str, name: str) -> Choice:
    near = catalog.near(provider, name)
    fix = f"Did you mean {near[0]}?" if near else _known(catalog, provider)
    said = heard.unknown.get((provider, name), "")
    message = f"{provider} has no model {name!r} that is known here. {said}".strip()
    problem = Problem("E_MODEL", message, fix, ("model",))
    asked = "/" not in name or (provider, name) in heard.unknown
    return Choice(_instead(catalog, provider, name), (problem,), ask=None if asked else (provider, name))


def _known(catalog: Catalog, provider: str) -> str:
    names = [model.short for model in catalog if model.provider == provider]
    more = f" and {len(names) - MOST_NAMES} more, which `artfactoryd models` lists" if len(names) > MOST_NAMES else ""
    return f"Known: {', '.join(names[:MOST_NAMES])}{more}."


def _unchecked(catalog: Catalog, provider: str, name: str, heard: Heard) -> Problem:
    near = catalog.near(provider, name)
    message = (
        f"what {name} takes is not known here, so its parameters are sent unchecked: {heard.silent[provider, name]}"
    )
    fix = f"Did you mean {near[0]}?" if near else f"`artfactoryd models refresh {name}` asks {provider} again."
    return Problem("W_NO_SCHEMA", message, fix, ("model",))


def files_as_text(order: Order, choices: Sequence[Choice]) -> Iterator[Problem]:
    """What looks like a file where nobody knows which parameters take files: its name itself would be sent."""
    if not any(problem.code == "W_NO_SCHEMA" for choice in choices for problem in choice.warnings):
        return
    for name, value in order.parameters.items():
        for text in value if isinstance(value, list) else [value]:
            is_address = isinstance(text, str) and "://" in text
            if isinstance(text, str) and not is_address and SUFFIXES.get(PurePath(text).suffix.lower()) == PICTURE:
                message = f"{text} would be sent as these letters: nobody here knows yet whether {name} takes a file."
                fix = "Give the provider's key, so that it can be asked; `raw` says that the letters are meant."
                yield Problem("W_NO_SCHEMA", message, fix, ("parameters", name), holds=name not in order.raw)
                break


def bare(provider: str, name: str) -> Model:
    return Model.from_mapping({"provider": provider, "model": name, "schema": {}}, "")


def _instead(catalog: Catalog, provider: str, name: str) -> Model:
    """The one that was probably meant, so that the rest of the order is looked at too."""
    exact = catalog.find(provider, name)
    names = [each for model in catalog if model.provider == provider for each in model.names]
    near = difflib.get_close_matches(name, names, n=1, cutoff=ALIKE)
    return exact or (catalog.find(provider, near[0]) if near else None) or bare(provider, name)
