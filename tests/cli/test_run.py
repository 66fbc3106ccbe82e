from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.cli import run
from artfactoryd.daemon.run import RunOptions
from artfactoryd.home import Home
from artfactoryd.intake.recipes import of_file
from artfactoryd.shelf.sheets.marks import is_sheet
from tests.emulator.client import Emulator
from tests.homes import PATIENCE, TestHome, until

GREEN = "provider: local\nmodel: sketch\nparameters: {prompt: a green car, width: 64, height: 64}\n"
PAID = "provider: replicate\nmodel: flux-schnell\nparameters: {prompt: 'a [red,blue] car'}\n"
WRONG = GREEN.replace("sketch", "sketsch")


@pytest.fixture
def car(tmp_path: Path) -> Path:
    (tmp_path / "recipes").mkdir()
    (file := tmp_path / "recipes" / "car.yaml").write_text(GREEN)
    return file


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


# --- once ---


def test_once_tells_what_was_rejected_now_and_why(home: TestHome) -> None:
    home.drop("old.yaml", WRONG)
    assert home.once() == 1
    home.drop("car.yaml", WRONG)
    done = home.call("once")
    assert done.returncode == 1
    assert "Did you mean sketch?" in done.stdout and "old.yaml" not in done.stdout
    home.drop("car.yaml", WRONG)
    assert [each["name"] for each in home.ask("once")["rejected"]] == ["car-2.yaml"]


def test_what_was_rejected_before_does_not_make_once_fail(home: TestHome) -> None:
    home.drop("car.yaml", WRONG)
    assert home.once() == 1
    assert home.once() == 0


def test_once_finishes_what_an_earlier_run_left(home: TestHome) -> None:
    home.drop("car.yaml", GREEN)
    assert home.once(ARTFACTORY_FAULT="order_accepted") == -signal.SIGKILL
    done = home.call("once")
    assert done.returncode == 0, done.stderr
    assert home.states() == ["completed"] and "car: completed" in done.stdout


def test_a_home_that_lost_its_folders_gets_them_back(home: TestHome) -> None:
    for folder in (home.home.inbox, home.home.held, home.home.rejected, home.home.commands):
        folder.rmdir()
    assert home.once() == 0
    home.drop("car.yaml", WRONG)
    assert home.once() == 1 and home.words("car.yaml")


# --- submit ---


def test_submitting_leaves_the_file_and_records_its_commit(home: TestHome, car: Path) -> None:
    git(car.parent, "init", "-q")
    git(car.parent, "add", "car.yaml")
    git(car.parent, "commit", "-qm", "a car")
    assert home.call("submit", str(car), "--wait").returncode == 0
    assert car.read_text() == GREEN
    assert home.sidecars()[0]["order"]["git"] == {
        "commit": git(car.parent, "rev-parse", "HEAD"), "path": "car.yaml", "dirty": False
    }  # fmt: skip
    car.write_text(GREEN + "# changed\n")
    assert (of_file(car) or {})["dirty"] is True


def test_outside_a_repository_or_not_in_it_there_is_no_commit(car: Path) -> None:
    assert of_file(car) is None
    git(car.parent, "init", "-q")
    assert of_file(car) is None


def test_submitting_puts_it_into_the_inbox_in_one_step_under_a_name_of_its_own(home: TestHome, car: Path) -> None:
    assert home.call("submit", str(car)).returncode == 0
    assert home.call("submit", str(car)).returncode == 0
    bundles = sorted(home.home.inbox.iterdir())
    assert len(bundles) == 2 and all(bundle.name.startswith("car-") for bundle in bundles)
    assert [bundle / "order.yaml" for bundle in bundles] == [next(bundle.glob("*.yaml")) for bundle in bundles]
    assert list(home.home.temp.iterdir()) == []


def test_submit_and_wait_without_a_daemon_takes_only_what_was_submitted(home: TestHome, car: Path) -> None:
    home.drop("other.yaml", GREEN.replace("green", "red"))
    done = home.call("submit", str(car), "--wait")
    assert done.returncode == 0 and "car: completed, 1 picture, $0.00 in" in done.stdout
    assert (home.home.inbox / "other.yaml").exists() and len(home.products()) == 1


def test_several_that_submit_and_wait_without_a_daemon_are_all_done(home: TestHome, car: Path) -> None:
    files = [car.with_name(f"{name}.yaml") for name in ("red", "blue", "grey")]
    for file in files:
        file.write_text(GREEN.replace("green", file.stem))
    programs = [home.start("submit", str(file), "--wait") for file in files]
    for program, file in zip(programs, files, strict=True):
        out, err = program.communicate()
        assert program.returncode == 0 and f"{file.stem}: completed, 1 picture, $0.00 in" in out, out + err
    assert len(home.products()) == 3


def test_submit_and_wait_follows_the_daemon_to_the_orders_end(home: TestHome, car: Path) -> None:
    with home.running():
        done = home.call("submit", str(car), "--wait")
        assert done.returncode == 0 and "car: completed, 1 picture, $0.00 in" in done.stdout
        again = home.call("submit", str(car), "--wait")
        assert again.returncode == 3 and "It is a duplicate of car" in again.stdout
        car.write_text(WRONG)
        wrong = home.call("submit", str(car), "--wait")
        assert wrong.returncode == 1 and "Did you mean sketch?" in wrong.stdout


def test_submit_and_wait_ends_at_a_stopped_provider_and_waits_through_a_throttling_one(
    home: TestHome, emulator: Emulator, car: Path
) -> None:
    home.base_url = emulator.base_url
    home.configure()
    car.write_text(PAID)
    emulator.control(create=[{"do": "429", "retry_after": 1.5}] * 2)
    with home.running():
        assert home.call("submit", str(car), "--wait").returncode == 0
        emulator.control(create="402")
        car.write_text(PAID.replace("car", "boat"))
        stopped = home.call("submit", str(car), "--wait")
        assert stopped.returncode == 3 and "replicate is stopped" in stopped.stdout
        emulator.control(create="ok")
        assert home.call("resume").stdout == "replicate goes on.\n"
        until(lambda: home.states() == ["completed"] * 4)
    assert len(emulator.creates()) == 4


def test_a_rehearsal_buys_nothing_and_has_a_folder_of_its_own(home: TestHome, emulator: Emulator, car: Path) -> None:
    home.base_url = emulator.base_url
    home.configure()
    car.write_text(PAID)
    assert home.call("submit", str(car), "--rehearse", "--wait").returncode == 0
    assert {path.parent.name for path in home.products()} == {"car-rehearsal"}
    assert [each["cost"]["usd"] for each in home.sidecars()] == [0, 0]
    assert emulator.creates() == [] and car.read_text() == PAID


# --- steering ---


def test_a_command_with_no_daemon_does_its_work_and_says_when_it_goes_on(home: TestHome) -> None:
    home.configure(limits={"products_per_order": 1})
    home.drop("cars.yaml", GREEN.replace("a green", "'a [red,blue]").replace("car,", "car',"))
    assert home.once() == 3
    done = home.call("approve", "cars")
    assert (done.returncode, done.stdout) == (0, "cars is approved. It goes on with the next `run` or `once`.\n")
    assert home.once() == 0 and len(home.products()) == 2


def test_a_command_is_handed_to_the_daemon_that_holds_the_home(home: TestHome) -> None:
    home.configure(limits={"products_per_order": 1})
    home.drop("cars.yaml", GREEN.replace("a green", "'a [red,blue]").replace("car,", "car',"))
    with home.running():
        until(lambda: (home.home.held / "cars.yaml").exists())
        assert home.call("approve", "cars").stdout == "cars is approved.\n"
        until(lambda: home.states() == ["completed"] * 2)
        assert json.loads(home.call("cancel", "nothing", "--json").stdout)["done"] is False


# --- run and demo ---


def test_the_daemon_stops_when_asked_to_and_says_nothing_alarming(home: TestHome) -> None:
    home.drop("car.yaml", GREEN)
    with home.running() as process:
        until(lambda: home.states() == ["completed"])
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=PATIENCE)[1]
        assert process.returncode == 0 and "Traceback" not in said


def test_the_demo_draws_the_examples_says_where_and_says_yes_to_what_asks_and_to_nothing_else(home: TestHome) -> None:
    stages = "then: [{provider: local, model: resize, parameters: {width: 20}, wait: liked}]\n"
    home.drop("mine.yaml", GREEN + stages)
    assert home.once() == 3
    (own,) = home.products()
    assert home.call("like", str(own)).returncode == 0
    before = len(home.lines())
    home.drop("more.yaml", GREEN)
    done = home.call("demo", ARTFACTORY_BUDGET__PER_ORDER="0", REPLICATE_API_TOKEN="")
    assert done.returncode == 0, done.stderr
    assert home.order("mine")["planned_items"] == 1 and (home.home.inbox / "more.yaml").exists()
    new = home.lines()[before:]
    sent_on = sum(len(line["products"]) for line in new if line["kind"] == "settlement" and line.get("interim"))
    made = sum(line["total_products"] for line in new if line["kind"] == "acceptance")
    drawn = len(home.products()) - 1
    assert drawn == made - sent_on > 40 and sent_on == 2
    lines = done.stdout.splitlines()
    assert len(lines) <= 15 and f"{drawn + 1} pictures of " in done.stdout
    assert re.findall(r"artfactoryd (\w+)", done.stdout) == ["approve", "like", "plan", "init"]
    assert f"  page   {home.root / 'Exports' / 'demo.html'}" in lines and "  sheet  " in done.stdout
    assert (home.root / "Exports" / "demo.html").stat().st_size > 10_000
    assert is_sheet(home.root / "Exports" / "demo.jpg")
    assert {order["status"] for order in home.orders() if order["name"] != "mine"} == {"completed"}
    assert [path for path in home.home.held.iterdir() if not path.name.startswith(".")] == []


def test_settings_mended_while_the_bad_ones_are_read_are_noticed(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, file, at_work = run.read_settings, home.home.settings_file, []
    good = file.read_text()

    def mended_meanwhile(*given: Any, **how: Any) -> Any:
        found, before = read(*given, **how), file.stat().st_ctime_ns
        while file.stat().st_ctime_ns == before:  # a file system's clock is coarse
            file.write_text(good)
        return found

    async def work(*given: Any, **services: Any) -> None:
        at_work.append(given)

    def waits_on(environ: dict[str, str], why: str) -> None:
        raise AssertionError(why)

    monkeypatch.setattr(run, "read_settings", mended_meanwhile)
    monkeypatch.setattr(run, "_wait", waits_on)
    monkeypatch.setattr(run.loop, "work", work)
    monkeypatch.setattr(run.log, "setup", lambda *given, **how: None)
    file.write_text("budget: {per_ordr: 5}\n")
    run.run_daemon(home.home, {}, verbose=False, supervised=True)
    assert len(at_work) == 1


OBSTACLES = (".artfactory/logs", ".work/commands", ".artfactory", "Ledger")


@pytest.mark.parametrize("path", OBSTACLES)
def test_what_the_system_refuses_at_the_start_is_waited_out_where_a_supervisor_would_only_start_it_again(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    folder, at_work, waits = home.root / path, [], []
    aside = folder.rename(home.root / "aside")
    folder.touch()
    done = home.call("run")
    assert done.returncode == 2 and str(folder) in done.stderr and "Traceback" not in done.stderr

    async def work(home: Home, settings: Any, options: RunOptions, *given: Any, **services: Any) -> None:
        at_work.append(options.supervised)

    def mended(environ: dict[str, str], why: str) -> None:
        waits.append(why)
        folder.unlink()
        aside.rename(folder)

    monkeypatch.setattr(run, "_wait", mended)
    monkeypatch.setattr(run.loop, "work", work)
    run.run_daemon(home.home, {}, verbose=False, supervised=True)
    assert at_work == [True] and len(waits) == 1 and str(folder) in waits[0]


@pytest.mark.parametrize("command", ["plan", "submit"])
def test_a_folder_is_answered_with_what_to_give_instead(home: TestHome, tmp_path: Path, command: str) -> None:
    (folder := tmp_path / "my cars").mkdir()
    assert f"{folder} is a folder without an order in it. Give a .yaml" in home.call(command, str(folder)).stderr
    (folder / "a.yaml").write_text(GREEN)
    done = home.call(command, str(folder))
    assert done.returncode == 2 and f"`artfactoryd {command} '{folder / 'a.yaml'}'`." in done.stderr
    for name in "bcde":
        (folder / f"{name}.yaml").write_text(GREEN)
    assert "a.yaml'`," in home.call(command, str(folder)).stderr
    assert "c.yaml'` and 2 more." in home.call(command, str(folder)).stderr
    assert list(home.home.inbox.iterdir()) == []


def test_a_word_about_the_settings_that_cannot_be_taken_away_keeps_nobody(home: TestHome) -> None:
    (home.root / "artfactory.yaml.error.txt").mkdir()
    home.drop("car.yaml", GREEN)
    assert home.once() == 0 and home.call("status").returncode == 0


def copied(home: TestHome) -> TestHome:
    """A copy beside its original, with other pictures still to buy."""
    copy = TestHome(Home(home.root.with_name("copy")), home.base_url, environ=home.environ)
    subprocess.run(["cp", "-a", home.root, copy.root], check=True)
    return copy


def test_a_copy_of_a_home_takes_and_sends_nothing_until_it_is_adopted(tmp_path: Path, emulator: Emulator) -> None:
    home = TestHome.make(tmp_path / "home", emulator.base_url)
    home.drop("car.yaml", PAID)
    copy = copied(home)
    for command in ("once", "run", "init"):
        done = copy.call(command)
        assert done.returncode == 2 and f"is a copy of {home.root}" in done.stderr and "init --adopt" in done.stderr
    assert (copy.home.inbox / "car.yaml").exists() and emulator.creates() == []
    assert copy.call("orders").returncode == 0 and "is a copy of" in copy.call("doctor").stdout
    assert home.once() == 0
    assert copy.call("init", "--adopt").returncode == 0
    assert copy.once() == 0 and home.once() == 0 and len(emulator.creates()) == 4


def test_a_home_that_is_renamed_or_put_back_from_a_backup_is_no_copy(home: TestHome) -> None:
    elsewhere = home.root.with_name("elsewhere")
    home.root.rename(elsewhere)
    assert TestHome(Home(elsewhere)).once() == 0  # renamed: the same folder
    subprocess.run(["cp", "-a", elsewhere, home.root], check=True)
    shutil.rmtree(elsewhere)
    home.root.rename(elsewhere)
    assert TestHome(Home(elsewhere)).once() == 0  # put back in its place: another folder, the same path


def test_where_a_home_lies_is_known_by_path_or_inode_and_never_by_its_device(home: TestHome) -> None:
    known = json.loads(home.home.identity_file.read_bytes())
    assert set(known) == {"path", "inode", "id"} and known["inode"] == home.root.stat().st_ino
    assert home.once() == 0 and json.loads(home.home.identity_file.read_bytes()) == known
    home.home.identity_file.write_text("half a li")
    assert home.call("once").returncode == 2
    home.home.identity_file.unlink()  # a home of an earlier release
    assert home.once() == 0 and json.loads(home.home.identity_file.read_bytes())["path"] == str(home.root)
