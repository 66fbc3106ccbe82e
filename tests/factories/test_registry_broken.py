"""A plug-in that cannot be loaded: it is left out, named with its reason, and stops nobody else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.fakes import install
from tests.forks import Program
from tests.homes import TestHome

ROOT = Path(__file__).parents[2]
WHY = "The factory of acme (acme_factory:make of acme-factory) cannot be loaded: ModuleNotFoundError: No module named"
WAY_OUT = "pip uninstall acme-factory"
GREEN = "provider: local\nmodel: sketch\nparameters: {prompt: a green car, width: 64, height: 64}\n"
ORDER = "provider: acme\nmodel: painter\nparameters: {prompt: a car}\n"
MODEL = "provider: acme\nmodel: painter\nprice: {usd: 0.01}\nschema: {properties: {prompt: {type: string}}}\n"


def finding(packages: Path) -> str:
    """Python that puts a folder of packages before all others; the edited ones are read again."""
    return f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {str(packages)!r})"


class Shop:
    """A home, and a folder of installed packages."""

    def __init__(self, home: TestHome, packages: Path) -> None:
        self.home, self.packages = home, packages

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """In a process that finds the package."""
        program = Program(["--home", str(self.home.root), *words], self.home.environment(), finding(self.packages))
        out, err = program.communicate()
        done = subprocess.CompletedProcess(words, program.wait(), out, err)
        assert "Traceback" not in done.stdout + done.stderr
        return done


@pytest.fixture
def shop(home: TestHome, tmp_path: Path) -> Shop:
    install(tmp_path / "packages")
    return Shop(home, tmp_path / "packages")


def test_the_others_go_on_and_a_run_says_who_was_left_out(shop: Shop) -> None:
    shop.home.drop("car.yaml", GREEN)
    done = shop.call("once")
    assert done.returncode == 0 and shop.home.states() == ["completed"]
    assert WHY in done.stderr and WAY_OUT in done.stderr


@pytest.mark.parametrize("source", ["import surely_not_installed", "1 / 0", "make = nothing", "other = 1", "(("])
def test_whatever_keeps_it_from_being_loaded_is_named_with_the_way_out(shop: Shop, source: str) -> None:
    (shop.packages / "acme_factory.py").write_text(source)
    found = json.loads(shop.call("providers", "--offline", "--json").stdout)["providers"]
    assert found["local"]["broken"] is None
    assert "cannot be loaded" in found["acme"]["broken"] and WAY_OUT in found["acme"]["broken"]


def test_providers_and_doctor_say_the_same_of_it(shop: Shop) -> None:
    shop.home.configure(providers={"replicate": {"enabled": False}})
    found = json.loads(shop.call("providers", "--offline", "--json").stdout)["providers"]
    told = shop.call("providers", "--offline").stdout
    assert f"acme: left out\n  {found['acme']['broken']}" in told
    done = shop.call("doctor", "--json")
    bad, well = [row for row in json.loads(done.stdout)["rows"] if row["check"] == "providers"]
    assert (done.returncode, bad["state"], well["state"]) == (1, "bad", "ok")
    assert f"{bad['text']} {bad['way_out']}" == found["acme"]["broken"]
    assert "local" in well["text"] and "acme" not in well["text"]


@pytest.mark.parametrize("described", [True, False])
def test_an_order_that_names_it_is_answered_in_words(shop: Shop, described: bool) -> None:
    if described:
        (shop.home.home.models / "painter.yaml").write_text(MODEL)
    file = shop.home.drop("car.yaml", ORDER)
    planned = shop.call("plan", str(file))
    assert planned.returncode == 1 and WHY in planned.stdout
    assert shop.call("once").returncode == 1
    words = " ".join(shop.home.words("car.yaml").split())
    assert WHY in words and WAY_OUT in words and "(car.yaml, line 1, column 11, in provider; E_PROVIDER)" in words


def test_what_was_accepted_before_it_broke_waits_and_says_for_what(shop: Shop) -> None:
    (shop.home.home.models / "painter.yaml").write_text(MODEL)
    shop.home.drop("car.yaml", ORDER)
    assert shop.home.once() == 3 and shop.home.states() == ["planned"]  # by a process that has never seen the plug-in
    [order] = shop.home.orders()
    assert order["reasons"] == ["No factory for acme is installed: install its package, then start again."]
    assert shop.call("once").returncode == 3
    [order] = json.loads(shop.call("orders", "--json").stdout)["orders"]
    assert WHY in " ".join(order["reasons"]) and WAY_OUT in " ".join(order["reasons"])
    assert shop.call("cancel", "car").returncode == 0 and shop.home.states() == ["cancelled"]


def test_one_that_cannot_be_started_stops_its_provider_alone_and_says_why(shop: Shop) -> None:
    (shop.packages / "acme_factory.py").write_text("def make(settings, work):\n    raise ValueError('no licence')\n")
    (shop.home.home.models / "painter.yaml").write_text(MODEL)
    shop.home.drop("car.yaml", ORDER)
    shop.home.drop("green.yaml", GREEN)
    done = shop.call("once")
    assert done.returncode == 3 and sorted(shop.home.states()) == ["completed", "planned"]
    [order] = [each for each in json.loads(shop.call("orders", "--json").stdout)["orders"] if each["name"] == "car"]
    why = "acme is stopped: The factory of acme cannot be started: ValueError: no licence."
    assert order["reasons"] == [f"{why} When that is mended: `resume acme`."]
    assert "acme: left out\n  The factory of acme cannot be started: ValueError" in shop.call("providers").stdout
    assert order["spent_usd"] == 0 and len(shop.home.lines("ticket")) == 1
