"""README.md and docs/ cannot lie: every command, key, setting, exit code and order in them is tried."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from artfactoryd import documents
from artfactoryd.cli import program
from artfactoryd.cli.plan import text
from artfactoryd.home import Home
from artfactoryd.planning import models
from artfactoryd.planning.preview import plan
from artfactoryd.schema import check_mapping, schema_text
from artfactoryd.settings import Settings
from tests.forks import Program
from tests.homes import TestHome
from tests.pictures import draw

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def ids(path: Path) -> str:
    return path.name


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def code(text: str) -> list[str]:
    """What stands between backticks, and the lines of shell blocks."""
    lines = [line.partition("#")[0].strip() for block in blocks(text, "sh") for line in block.splitlines()]
    return [*re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)), *lines]


def orders() -> Iterator[Any]:
    """Every YAML block; one that is no whole order is a piece of one: a parameter, or some."""
    for page in PAGES:
        for number, block in enumerate(blocks(page.read_text(), "yaml"), 1):
            yield pytest.param(block, id=f"{page.name}-{number}")


def whole(block: str) -> str:
    if "provider:" in block:
        return block
    rest = "" if "prompt:" in block else "  prompt: a car\n"
    return "provider: replicate\nmodel: flux-schnell\nparameters:\n" + rest + re.sub("^", "  ", block, flags=re.M)


@pytest.mark.parametrize("block", list(orders()))
def test_every_order_on_a_page_can_be_planned(block: str, home: TestHome, tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(whole(block))
    for name in re.findall(r"\w+\.jpg", block):
        draw(tmp_path / name)
    tables = [table for page in PAGES for table in blocks(page.read_text(), "csv")]
    for name, table in zip(re.findall(r"\w+\.csv", block), tables, strict=False):
        (tmp_path / name).write_text(table)
    found = plan(home.home, Settings(), file, rehearse=False, most=None)
    assert found.exit_code == 0, list(text(found))
    promised = re.search(r"(\d+) items", block)
    assert promised is None or found.document["orders"][0]["total_items"] == int(promised[1])


def test_the_readmes_order_is_the_example_and_gives_what_the_readme_says(home: TestHome) -> None:
    text = (ROOT / "README.md").read_text()
    example = documents.read_documents((ROOT / "examples" / "01-cars.yaml").read_bytes(), "cars.yaml")[0].value
    assert documents.read_documents(blocks(text, "yaml")[0].encode(), "README.md")[0].value == example
    assert "plan examples/01-cars.yaml  # four items, at most $0.012" in text
    found = home.call("plan", str(ROOT / "examples" / "01-cars.yaml")).stdout
    assert "4 items" in found and "$0.012" in found


# --- commands ---


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command named: `artfactoryd plan FILE`, `retry ID [--in-doubt]`, `submit --rehearse`."""
    names = "|".join(program.COMMANDS)
    for piece in code(text):
        for found in re.findall(rf"(?:^|\bartfactoryd (?:--home \S+ )?)((?:{names})(?: [^&,`]*)?)$", piece):
            yield found.split()
        for found in re.findall(r"\bartfactoryd (?:--\S+ \S+ )?([a-z]+)", piece):
            yield [found]


def test_the_readmes_first_command_makes_pictures_without_a_key_and_without_a_home(tmp_path: Path) -> None:
    lines = (line for block in blocks((ROOT / "README.md").read_text(), "sh") for line in block.splitlines())
    command, *words = next(line for line in lines if "artfactoryd" in line).split()
    assert command == ".venv/bin/artfactoryd" and words[:2] == ["submit", "--rehearse"]
    words = [str(ROOT / word) if word.startswith("examples/") else word for word in words]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ARTFACTORY", "REPLICATE", "FAL_"))}
    program = Program(words, {**kept, "HOME": str(tmp_path)})
    told, errors = program.communicate()
    assert program.wait() == 0, told + errors
    folder = Path(told.rstrip().rpartition(" in ")[2])  # the last line says where they lie
    assert len(list(folder.glob("*.png"))) == 4 and folder.is_relative_to(tmp_path / "ArtFactory" / "Projects")


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_on_a_page_exists_with_its_options(page: Path) -> None:
    found = list(commands(page.read_text()))
    for name, *words in found:
        command = program.load_command(name)
        known = {option for each in command.params if isinstance(each, click.Option) for option in each.opts}
        assert {re.sub(r"[\[\]]", "", word) for word in words if "--" in word} <= known, (name, words)


def test_a_command_that_does_not_exist_is_found() -> None:
    assert ["plan", "FILE", "--colour"] in commands("`artfactoryd plan FILE --colour`")
    assert ["paint"] in commands("```sh\nartfactoryd paint x\n```")


def test_the_readmes_table_of_commands_names_them_all_and_no_other() -> None:
    table = re.search(r"\| command \|.*?\n\n", (ROOT / "README.md").read_text(), re.DOTALL)
    assert table
    cells = [line.split("|")[1] for line in table[0].splitlines()[2:] if line]
    assert {name for cell in cells for name in re.findall(r"`([a-z]+)", cell)} == set(program.COMMANDS)


def test_the_exit_codes_are_told_alike_everywhere() -> None:
    said = re.search(r"Exit codes: (.*?)\.\n", (ROOT / "README.md").read_text(), re.DOTALL)
    assert said and " ".join(said[1].split()) in " ".join((program.__doc__ or "").split())
    assert re.findall(r"\d", said[1]) == ["0", "1", "2", "3"]
    assert " ".join(said[1].split()) in " ".join((ROOT / "docs" / "troubleshooting.md").read_text().split())


# --- keys and settings ---


def built(name: str) -> set[str]:
    """The keys of a schema that work."""
    properties = documents.read_documents(schema_text(name).encode(), name)[0].value["properties"]
    return {key for key, schema in properties.items() if not schema.get("x-not-built")}


def dotted(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, each in schema.get("properties", {}).items():
        if not each.get("x-not-built"):
            yield prefix + key
            yield from dotted(each, f"{prefix}{key}.")


def test_the_table_of_keys_is_the_schemas_built_keys() -> None:
    table = (ROOT / "docs" / "orders.md").read_text().partition("## Keys")[2].partition("##")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    named = {key for line in rows for key in re.findall(r"`(\w+)`", line.split("|")[1])}
    named |= {"project_id"} if "`project_id` is the same" in table else set()
    assert named == built("order")


def test_the_keys_of_the_readme_are_the_schemas_built_keys() -> None:
    said = re.search(r"Keys of an order: (.*?)\. ", (ROOT / "README.md").read_text(), re.DOTALL)
    assert said and set(re.findall(r"`(\w+)`", said[1])) == built("order")


def test_what_orders_md_calls_not_built_yet_is_refused_as_not_built() -> None:
    text = (ROOT / "docs" / "orders.md").read_text()
    said = re.search(r"Keys that later parts bring \((.*?)\)", text, re.DOTALL)
    assert said
    for key in re.findall(r"`(\w+)`", said[1]):
        problems = check_mapping({"provider": "x", "model": "y", "parameters": {}, key: 1}, "order")
        assert "E_NOT_BUILT" in [problem.code for problem in problems], key


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_setting_on_a_page_exists(page: Path) -> None:
    schema = documents.read_documents(schema_text("settings").encode(), "settings")[0].value
    known = set(dotted(schema))
    sections = {key.partition(".")[0] for key in known}
    known |= set(schema["properties"]["hooks"]["properties"])  # what happens has names like that
    named = [piece.rstrip(":") for piece in code(page.read_text()) if re.fullmatch(r"[a-z]+(\.[a-z_]+)+:?", piece)]
    assert [name for name in named if name.partition(".")[0] in sections and name not in known] == []
    if page.name == "orders.md":
        assert "limits.products_per_order" in named


# --- models, folders, links ---


def test_every_model_on_a_page_is_shipped() -> None:
    known = {name for model in models.load_catalog(None)[0] for name in model.names}
    for page in PAGES:
        assert set(re.findall(r"`(flux-[a-z]+)`", page.read_text())) <= known


def test_the_readmes_folders_are_made_by_init(home: TestHome) -> None:
    tree = (ROOT / "README.md").read_text().partition("\nArtFactory/\n")[2].partition("```")[0]
    named = re.findall(r"^  (\S+)", tree, re.MULTILINE)
    assert {"Inbox/", "Projects/", ".work/"} <= set(named)
    assert [name for name in named if not (home.root / name).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "ARCHITECTURE.md"], ids=ids)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_make_starts_nothing_by_a_script_that_has_the_path_of_the_checkout_in_it() -> None:
    """Such a script begins with that path, and a shell takes a `$` in it for a variable."""
    called = re.findall(r"^\t.*?\$\(BIN\)/(\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert called and set(called) == {"python"}


def test_every_make_target_on_a_page_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        assert {piece.split()[1] for piece in code(page.read_text()) if piece.startswith("make ")} <= targets


def test_the_page_about_moving_to_a_new_machine_is_right_step_by_step(home: TestHome, tmp_path: Path) -> None:
    """Its commands in their order, but those that change this machine: of its service and its keychain."""
    page = (ROOT / "docs" / "backup.md").read_text().partition("## Moving to a new machine")[2]
    words = re.sub("^   ", "", page, flags=re.MULTILINE)
    old, new, *rest = ([line.split()[1:] for line in block.splitlines()] for block in blocks(words, "sh"))
    place, there = str(tmp_path / "safe"), TestHome(Home((tmp_path / "new").resolve()))
    home.configure(backup={"path": place})
    home.drop("cars.yaml", 'provider: local\nmodel: sketch\nparameters: {prompt: "a [red,blue] car", width: 64}\n')
    home.drop("dear.yaml", "provider: replicate\nmodel: flux-schnell\nbudget: 0.001\nparameters: {prompt: a boat}\n")
    codes = {"once": 3, "doctor": None, "install": None, "uninstall": None, "keys": None}
    for at, commands in ((home, old), (there, [*new, *(command for block in rest for command in block)])):
        for command in commands:
            if codes.get(command[0], 0) is not None:
                done = at.call(*(place if word.startswith("/Volumes/") else word for word in command))
                assert done.returncode == codes.get(command[0], 0), done.stderr
    assert "restored: may have been bought since" in there.call("orders").stdout
    assert [path.name for path in there.products()] == [path.name for path in home.products()]
