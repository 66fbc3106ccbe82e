"""What a planned call costs at most, and which of its parameters decide that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from artfactoryd.core.json_types import Parameters
from artfactoryd.core.model import Model
from artfactoryd.core.pricing.amounts import Call
from artfactoryd.core.pricing.price import Price
from artfactoryd.core.pricing.sizes import SIZES, Size


def priced_call(model: Model, asked: int, parameters: Parameters, sizes: Mapping[str, Size]) -> Call:
    """`sizes`: in pixels, by what is written for a picture."""
    inputs = [sizes.get(text) for _, text in model.places(parameters)]
    return Call(asked, with_defaults(model, parameters), inputs, follows=follows(model))


def with_defaults(model: Model, parameters: Parameters) -> Parameters:
    return {**model.defaults, **parameters}


def follows(model: Model) -> bool:
    """Whether what it makes is as large as the picture it works on."""
    return model.image is not None and not any(name in model.properties for name in SIZES)


def deciding(model: Model, prices: Iterable[Price | None]) -> frozenset[str]:
    """The parameters that the number of outputs, or the price of a call, depends on."""
    names = {model.batch or ""}
    for price in prices:
        if price is not None:
            names |= price.parameters
            names.update(model.files if price.depends_on_inputs else ())
    return frozenset(names - {""})
