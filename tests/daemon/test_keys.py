"""A key that comes while the daemon runs: what waited for it begins by itself."""

from __future__ import annotations

from pathlib import Path

from tests.emulator.client import Emulator
from tests.homes import TestHome, until

PAID = "provider: replicate\nmodel: flux-schnell\nparameters: {prompt: a red car}\n"


def put(file: Path, key: str) -> None:
    file.touch(0o600)
    file.write_text(key)


def test_an_order_without_a_key_is_accepted_waits_and_begins_by_itself_when_a_key_comes(
    tmp_path: Path, emulator: Emulator
) -> None:
    key = tmp_path / "key"
    home = TestHome.make(tmp_path / "home", emulator.base_url, providers={})
    home.configure(providers={"replicate": {"base_url": emulator.base_url, "api_key": f"file:{key}"}})
    word = home.home.held / "paid.yaml.why.txt"
    emulator.control(token="r8_test")
    with home.running():
        home.drop("paid.yaml", PAID)
        until(lambda: word.exists() and home.home.index_file.exists() and home.ask("status")["providers"])
        told = home.ask("status")
        assert told["providers"]["replicate"]["stopped"].startswith("There is no key for Replicate.")
        assert told["held"] == [] and [order["status"] for order in told["open"]] == ["queued"]
        text = word.read_text()
        ways = ["keys set replicate", "submit --rehearse --wait", f"cancel {told['open'][0]['order_id'][:8]}"]
        assert all(way in text for way in ways), text
        assert not emulator.creates()
        put(key, "r8_wrong")  # one that is not taken: that is the reason from now on
        until(lambda: "no key" not in home.ask("status")["providers"]["replicate"]["stopped"])
        put(key, "r8_test")
        until(lambda: home.states() == ["completed"])
        until(lambda: not word.exists())
    assert len(emulator.creates()) == 1


def test_a_word_about_a_missing_key_that_is_taken_away_stays_away_and_ends_nothing(
    tmp_path: Path, emulator: Emulator
) -> None:
    home = TestHome.make(tmp_path / "home", emulator.base_url)
    home.environ["REPLICATE_API_TOKEN"] = ""
    word = home.home.held / "paid.yaml.why.txt"
    home.drop("paid.yaml", PAID)
    assert home.once() == 3 and word.exists()
    assert home.receipt()["state"] == "queued" and "There is no key" in str(home.receipt()["reasons"])
    assert "queued" in home.call("why", "Held/paid.yaml.why.txt").stdout
    word.unlink()
    assert home.once() == 3 and not word.exists()
    assert "queued" in home.call("why", "paid.yaml").stdout
    assert home.once(REPLICATE_API_TOKEN="r8_test") == 0 and home.states() == ["completed"]


def test_a_cancelled_order_leaves_no_word_about_a_key(tmp_path: Path) -> None:
    home = TestHome.make(tmp_path / "home", providers={"replicate": {}})
    home.environ["REPLICATE_API_TOKEN"] = ""
    (home.home.held / "paid.yaml").write_text("of somebody else")
    home.drop("paid.yaml", PAID)
    assert home.once() == 3
    word = home.home.held / "paid-2.yaml.why.txt"  # beside nothing that lies there
    assert word.exists()
    assert home.call("cancel", "Held/paid.yaml.why.txt").returncode == 0  # though it has another name there
    assert not word.exists()
    assert (home.home.held / "paid.yaml").read_text() == "of somebody else"
