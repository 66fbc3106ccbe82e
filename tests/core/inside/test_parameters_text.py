"""The text that tools of the field read: prompt, negative prompt, and a line that begins with Steps."""

from __future__ import annotations

import pytest

from artfactoryd.core.inside.parameters_text import details, parameters_text
from artfactoryd.core.model import Model

STEPPED = Model("replicate", "a/b", schema={"properties": {"steps": {"default": 28}, "guidance": {"default": 3.0}}})
SIZE = (64, 48)


@pytest.mark.parametrize(
    ("parameters", "model", "line"),
    [
        ({}, None, "Steps: 1, Sampler: fal, CFG scale: 1, Seed: 7, Size: 64x48, Model: a/b, Version: artfactoryd 1"),
        ({}, STEPPED, "Steps: 28, Sampler: fal, CFG scale: 3, Seed"),
        ({"steps": 4, "guidance": 2.5, "scheduler": "K_EULER"}, STEPPED, "Steps: 4, Sampler: K_EULER, CFG scale: 2.5,"),
        (
            {"scheduler": "a, CFG scale: 12\nx", "steps": True},
            None,
            "Steps: 1, Sampler: a; CFG scale- 12 x, CFG scale: 1",
        ),
    ],
)
def test_the_last_line_has_real_values_else_the_model_s_own_else_fillers(
    parameters: dict[str, object], model: Model | None, line: str
) -> None:
    told = details(parameters, model, "a/b", "fal", 7, SIZE, "artfactoryd 1")
    assert parameters_text("p", "", told).splitlines()[-1].startswith(line)


def test_a_prompt_of_several_lines_stays_one_and_the_line_is_the_last() -> None:
    told = details({}, None, "a/b", "fal", None, (None, None), "artfactoryd 1")
    text = parameters_text(" a\r\nb\0 ", "  ", told)
    assert text == "a\nb\nSteps: 1, Sampler: fal, CFG scale: 1, Model: a/b, Version: artfactoryd 1"
    assert parameters_text("a", "blur", told).splitlines()[1] == "Negative prompt: blur"
