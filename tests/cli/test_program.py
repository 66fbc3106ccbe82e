from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from artfactoryd import __version__
from artfactoryd.cli import main, program
from artfactoryd.cli.program import COMMANDS, GROUPS, load_command
from artfactoryd.cli.terminal import sentence
from artfactoryd.durable import write_note
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.schema import schema_text
from artfactoryd.settings import checked_mark
from tests.homes import TestHome

HEAVY = {
    "PIL", "aiohttp", "asyncio", "fal_client", "httpx", "jsonschema", "keyring", "replicate", "rich", "watchfiles",
    "yaml",
}  # fmt: skip
OURS = tuple(
    f"artfactoryd.{room}"
    for room in ("storage.events", "core.grammar", "factories", "execution", "intake", "daemon", "web")
)
WATCHED = """import sys
from artfactoryd.cli import main, program
try:
    main(sys.argv[1:])
finally:
    print("LOADED", *sys.modules)"""
GREEN = "provider: local\nmodel: sketch\nparameters: {prompt: a green car, width: 64, height: 64}\n"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_command_says_what_it_does_with_every_option(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"] if name else ["--help"])
    assert done.exit_code == 0 and "Usage:" in done.output
    command: click.Command = load_command(name) if name else main
    assert command.help
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_of_each_what_its_own_help_begins_with(name: str) -> None:
    listed, command = main.commands[name], load_command(name)
    begins, rest = listed.help or "", " ".join((command.help or "").split()).removeprefix(listed.help or "")
    assert command.name == name and begins and rest[0] in ".,:;?" and len(begins) <= 63


def test_commands_stand_in_groups_each_whole_on_one_line_of_eighty_columns() -> None:
    groups = [command for command in map(load_command, COMMANDS) if isinstance(command, click.Group)]
    for group in (main, *groups):
        lines = CliRunner().invoke(group, ["--help"], terminal_width=80).output.splitlines()
        for name, part in group.commands.items():
            (line,) = [line for line in lines if line.startswith(f"  {name} ")]
            assert line == line[:80] and line.endswith(sentence(part)), line
    listed = [name for names in GROUPS.values() for name in names]
    assert len(groups) == 5 and sorted(listed) == sorted(COMMANDS)


def test_every_command_of_every_module_is_in_the_list() -> None:
    commands = set()
    for module in {import_module(f"artfactoryd.cli.{module}") for module, _ in COMMANDS.values()}:
        commands |= {thing for thing in vars(module).values() if isinstance(thing, click.Command)}
    parts = {part for command in commands if isinstance(command, click.Group) for part in command.commands.values()}
    assert {command.name for command in commands - parts} == set(COMMANDS)


def test_the_list_of_commands_loads_none_of_them(home: TestHome) -> None:
    assert {name for name in loaded(home, "--help") if name.startswith("artfactoryd.cli.")} == {
        "artfactoryd.cli.interrupt", "artfactoryd.cli.program", "artfactoryd.cli.terminal",
    }  # fmt: skip


def test_it_names_its_version() -> None:
    done = subprocess.run([sys.executable, "-m", "artfactoryd", "--version"], capture_output=True, text=True)
    assert done.stdout == f"artfactoryd, version {__version__}\n"


def loaded(home: TestHome, word: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, "--home", str(home.root), word],
        env=home.environment(), capture_output=True, text=True,
    )  # fmt: skip
    modules = set(done.stdout.partition("LOADED")[2].split())
    assert "artfactoryd" in modules, done.stderr
    return modules


@pytest.mark.parametrize("word", ["--help", "status", "orders", "spend", "products"])
def test_looking_is_quick_because_it_loads_nothing_heavy(home: TestHome, word: str) -> None:
    settings = home.home.settings_file.read_bytes()
    write_note(home.home.checked_settings, checked_mark(settings))
    modules = loaded(home, word)
    assert HEAVY & {name.partition(".")[0] for name in modules} == set()
    assert {name for name in modules if name.startswith(OURS)} == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["paint"], "No such command 'paint'"),
        (["plan"], "Missing argument 'FILE'"),
        (["plan", "not-there.yaml"], "not-there.yaml cannot be read: No such file or directory."),
        (["plan", "car.yaml", "--items", "few"], "--items takes a number or `all`; 'few' is neither."),
        (["orders", "--most", "0"], "--most takes a number from 1 on, or `all`."),
        (["products", "--most", "²"], "--most takes a number or `all`; '²' is neither."),
        (["products", "--most", "9" * 30], "--most takes a number or `all`; '99999999999999999999' is neither."),
        (["submit", "not-there.yaml"], "not-there.yaml is not a file."),
        (["schema", "ordr"], "There is no schema 'ordr'. There are: "),
        (["order", "cars"], "There is no order 'cars'. `artfactoryd orders` lists them."),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_wrong_use_is_told_in_a_sentence_and_is_exit_code_2(home: TestHome, words: list[str], said: str) -> None:
    done = home.call(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("word", ["approve", "cancel", "retry", "pause", "resume", "like", "order", "why", "explain"])
def test_what_is_not_there_is_wrong_use_whoever_is_asked_and_has_one_shape_as_data(home: TestHome, word: str) -> None:
    words, answer = home.call(word, "nothing"), home.call(word, "nothing", "--json")
    assert words.returncode == answer.returncode == 2 and "Traceback" not in words.stderr
    document = json.loads(answer.stdout)
    assert document["text"] in words.stdout + words.stderr
    assert document["known"] is False if word == "why" else document.keys() == {"done", "error", "text"}
    assert not answer.stderr


def test_an_empty_place_where_nothing_can_be_done_is_no_success(home: TestHome) -> None:
    done = home.call("resume", "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["text"] == "Nothing is stopped or paused."


@pytest.mark.parametrize(
    ("words", "code"),
    [(["paint"], 2), (["plan"], 2), (["plan", "not-there.yaml"], 2), (["orders", "--colour"], 2), (["pause"], 2)],
    ids=str,
)
def test_every_error_is_one_json_document_where_data_was_asked_for(home: TestHome, words: list[str], code: int) -> None:
    if words == ["pause"]:
        home.home.settings_file.write_text("budgit: 1\n")
    done = home.call(*words, "--json")
    assert done.returncode == code and not done.stderr
    assert json.loads(done.stdout).keys() == {"done", "error", "text"}


def test_what_has_ended_is_not_cancelled_any_more_and_that_is_said(home: TestHome) -> None:
    home.drop("car.yaml", GREEN)
    home.once()
    done = home.call("cancel", "car")
    assert (done.returncode, done.stdout) == (1, "car is completed already; there is nothing to cancel.\n")
    assert home.order("car")["status"] == "completed" and not home.lines("cancel")


def test_what_answers_with_data_answers_with_one_json_document(home: TestHome) -> None:
    file = home.root / "car.yaml"
    file.write_text(GREEN)
    answers: dict[str, Any] = {}
    for words in (
        ["plan", str(file)], ["submit", str(file), "--wait"], ["once"], ["status"], ["orders"], ["order", "car"],
        ["spend"], ["why", "car.yaml"], ["cancel", "car"], ["retry", "car"], ["resume"], ["approve", "car"],
    ):  # fmt: skip
        answers[words[0]] = json.loads(home.call(*words, "--json").stdout)
    assert answers["plan"]["orders"][0]["total_items"] == 1
    assert answers["submit"]["orders"][0]["status"] == "completed"
    assert answers["order"]["items"][0]["state"] == "completed"
    assert answers["orders"]["orders"][0]["order_id"] == answers["order"]["order_id"] == answers["cancel"]["order_id"]
    assert answers["why"]["known"] is True and answers["approve"]["done"] is False
    assert answers["status"]["daemon"] is None and answers["once"]["orders"] == []


def test_an_order_in_json_has_the_promised_keys(home: TestHome) -> None:
    home.drop("car.yaml", GREEN)
    assert home.once() == 0
    promised = {
        "order_id", "name", "project", "status", "reasons", "total_items", "completed_items", "failed_items",
        "in_doubt_items", "spent_usd", "products",
    }  # fmt: skip
    assert promised <= home.order("car").keys()


def test_schema_names_all_and_prints_each(home: TestHome) -> None:
    names = home.call("schema").stdout.split()
    assert {"order", "settings", "model", "sidecar"} <= set(names)
    shown = json.loads(home.call("schema", "order").stdout)
    assert shown["title"] == "Order" and "reuse" in shown["properties"]
    assert not any("x-not-built" in schema_text(name) for name in names)  # an editor offers nothing that is refused


def test_init_makes_a_whole_home_though_nobody_reads_what_it_says(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    home = TestHome(Home(tmp_path / "home"))
    subprocess.run(home.command("init"), stdout=writer, stderr=subprocess.DEVNULL, check=False)
    os.close(writer)
    assert home.home.settings_file.exists() and (home.home.library / "schemas" / "order.schema.json").exists()


def test_init_leaves_what_is_there(furnished: TestHome) -> None:
    furnished.home.settings_file.write_text("budget: {per_order: 1}\n")
    names = ("examples/01-cars.yaml", "templates/examples/poster.yaml", "lookups/examples/skies.txt")
    for name in names:
        (furnished.home.library / name).write_text("mine")
    assert furnished.call("init").returncode == 0
    assert furnished.home.settings_file.read_text() == "budget: {per_order: 1}\n"
    assert [(furnished.home.library / name).read_text() for name in names] == ["mine"] * 3


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US"])
def test_under_a_locale_without_utf_8_names_are_bytes_and_an_order_with_one_is_made(
    home: TestHome, locale: str
) -> None:
    text = "provider: local\nmodel: sketch\nproject: 夏の車\nparameters: {prompt: 車, width: 64, height: 64}\n"
    home.drop("夏の車.yaml", text)
    environ = home.environment(LC_ALL=locale, LANG=locale, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    environ.pop("PYTHONIOENCODING", None)
    for words in (["once"], ["orders"], ["doctor"]):
        done = subprocess.run(home.command(*words), env=environ, capture_output=True)
        assert b"Traceback" not in done.stderr, done.stderr
    assert home.states() == ["completed"] and (home.home.projects / "夏の車").is_dir()


def test_where_no_mode_helps_the_start_is_refused_in_words() -> None:
    with pytest.raises(WrongUse, match=r"LC_ALL=C\.UTF-8"):
        program.in_utf8("iso8859-1", {"PYTHONUTF8": "1"}, ["artfactoryd"])
    program.in_utf8("utf-8", {}, ["artfactoryd"])


@pytest.fixture(scope="module")
def garage(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home with a car in it, for commands that change nothing."""
    home = TestHome.make(tmp_path_factory.mktemp("garage") / "home")
    home.drop("car.yaml", "provider: local\nmodel: sketch\nparameters: {prompt: a car, width: 64, height: 64}\n")
    assert home.once() == 0
    return home


@pytest.mark.parametrize("words", [
    ["explain"], ["remake"], ["order"], ["cancel"], ["why"], ["like"], ["tag", "+a"], ["approve"], ["retry"],
], ids=lambda words: words[0])  # fmt: skip
@pytest.mark.parametrize("typed", ["", " ", "\udcff", "a\udcffb"])
def test_what_nothing_can_be_called_is_wrong_use_in_words(garage: TestHome, words: list[str], typed: str) -> None:
    done = garage.call(*words, typed)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert (done.stderr + done.stdout).strip()


@pytest.mark.parametrize("typed", [".", "..", "/", "\udcff"])
def test_why_of_what_is_no_file_asks_for_one(home: TestHome, typed: str) -> None:
    done = home.call("why", typed)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "Name a file" in done.stderr or "Nothing is known" in done.stdout


@pytest.mark.parametrize("words", [["products"], ["pause"], ["resume"], ["lookups", "show"], ["templates", "show"]])
def test_what_is_no_utf_8_is_no_query_and_no_name(home: TestHome, words: list[str]) -> None:
    done = home.call(*words, "a\udcff")
    assert done.returncode == 2 and "no UTF-8" in done.stderr and "Traceback" not in done.stderr
