"""Parameters that are secrets: an order says where one is, like a provider's key, and never what it is.

`env:NAME`, `keychain` or `file:/PATH` stands in order, ledger, index and sidecars; the secret itself is only sent.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping

from artfactoryd.core.json_types import Parameters, Schema, Value
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.file_leaves import Place, replaced
from artfactoryd.core.parameters.json_schema import branches, types_of

ENDINGS = ("api_key", "secret", "password", "access_token")
KEYCHAIN = "keychain"
DEEPEST = 20
_REFERENCE = re.compile(r"env:\w+|keychain|file:.+", re.ASCII)
_WITH_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]*:[^/?#@\s]*@", re.IGNORECASE)


_KEY = re.compile(
    r"\br8_\w{20,}|\bsk-[\w-]{20,}|\bhf_\w{20,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{16,}",
    re.ASCII,
)


class Hidden:
    """Stands for a secret where a call is compared: whatever a provider shows in its place may be it."""


HIDDEN = Hidden()


def is_secret(name: str, schema: Schema) -> bool:
    plain = name.lower().replace("-", "_")
    return plain.endswith(ENDINGS) or any(branch.get("format") == "password" for branch in branches(schema))


def may_hold_secret(name: str, schema: Schema) -> bool:
    """As a whole or deeper in it; so that nothing is looked through for the other parameters."""
    kinds = types_of(schema)
    return is_secret(name, schema) or not kinds or bool(kinds & {"object", "array"})


def is_reference(value: Value) -> bool:
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def holds_password(text: str) -> bool:
    """An address with user and password in it."""
    return _WITH_PASSWORD.search(text) is not None


def holds_key(text: str) -> bool:
    """Something that has the shape of a provider's key."""
    return _KEY.search(text) is not None


def secrets_in(name: str, schema: Schema, value: Value, depth: int = DEEPEST) -> Iterator[tuple[Place, Value]]:
    """What is written for each secret in the value of a parameter, with its place there."""
    if isinstance(value, Mapping) and depth:
        properties = {key: part for branch in branches(schema) for key, part in _properties(branch).items()}
        for key, part in value.items():
            for place, text in secrets_in(str(key), properties.get(key, {}), part, depth - 1):
                yield (key, *place), text
    elif isinstance(value, list) and depth:
        known = [branch["items"] for branch in branches(schema) if isinstance(branch.get("items"), Mapping)]
        items: Schema = known[0] if known else {}
        for number, part in enumerate(value):
            yield from (((number, *place), text) for place, text in secrets_in(name, items, part, depth - 1))
    elif is_secret(name, schema) and value not in (None, ""):
        yield (), value


def _properties(branch: Schema) -> Mapping[str, Schema]:
    properties = branch.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def places(model: Model, parameters: Parameters) -> list[tuple[Place, Value]]:
    """The secrets among the parameters; the first step is the parameter's name."""
    return [
        ((name, *place), text)
        for name, value in parameters.items()
        for place, text in secrets_in(name, model.properties.get(name, {}), value)
    ]


def references(model: Model, parameters: Parameters) -> list[tuple[Place, str]]:
    return [(place, text) for place, text in places(model, parameters) if is_reference(text)]


def name_of(place: Place) -> str:
    """Of the parameter, or of the part of it, that the secret is: by this the keychain knows it."""
    return next(step for step in reversed(place) if isinstance(step, str))


def known_as(name: str, location: Value, hashes: Container[str]) -> str:
    """By what the hash of a secret is found: of the keychain's, which one it is goes by the parameter's name. Earlier
    releases did not tell these apart."""
    apart = f"{location} {name}" if location == KEYCHAIN else str(location)
    return apart if apart in hashes else str(location)


def hidden(model: Model, parameters: Parameters) -> dict[str, Value]:
    """To be compared with what a provider shows."""
    return replaced(parameters, {place: HIDDEN for place, _ in places(model, parameters)})


def scrubbed(model: Model, parameters: Parameters) -> dict[str, Value]:
    """What a provider says it used, without a secret in it."""
    return replaced(parameters, {place: "(secret)" for place, _ in places(model, parameters)})
