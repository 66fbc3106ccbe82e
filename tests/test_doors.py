"""What people install the program by: man page, completions, formula, container and workflows."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from artfactoryd.cli.program import COMMANDS
from scripts.make_doors import COMPLETIONS, completion, man_page
from scripts.make_formula import Archive, Pin, archive, formula, index_of_pip, needed, pins

ROOT = Path(__file__).parents[1]
LOCK = """# by uv
alpha==1.0 \\
    --hash=sha256:{a}
    # via artfactoryd (pyproject.toml)
beta==2.0 ; sys_platform == 'darwin' \\
    --hash=sha256:{b}
    # via
    #   alpha
    #   windows-thing
gamma==3.0 \\
    --hash=sha256:{a}
    # via pytest
windows-thing==1.0 ; sys_platform == 'win32' \\
    --hash=sha256:{a}
    # via alpha
""".format(a="a" * 64, b="b" * 64)


def test_the_man_page_is_that_of_the_commands_as_they_are() -> None:
    page = (ROOT / "man/artfactoryd.1").read_text(encoding="utf-8")
    assert page == man_page(), "make doors"
    headings = set(re.findall(r"^\.SS (\w+)", page, re.MULTILINE))
    assert headings == COMMANDS.keys()


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff, which says what is wrong in a man page")
def test_groff_has_nothing_against_it() -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-z", "-Tutf8", str(ROOT / "man/artfactoryd.1")], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_each_shell_is_told_whom_to_ask(shell: str) -> None:
    for words in (completion(shell), (ROOT / COMPLETIONS[shell]).read_text(encoding="utf-8")):
        assert f"_ARTFACTORYD_COMPLETE={shell}_complete" in words
    if shell == "bash":
        assert subprocess.run(["bash", "-n", str(ROOT / COMPLETIONS[shell])]).returncode == 0


def test_the_options_of_a_command_are_completed() -> None:
    typed = "artfactoryd plan --reh"
    environ = {**os.environ, "_ARTFACTORYD_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": "2"}
    code = "import sys; sys.argv[0] = 'artfactoryd'; from artfactoryd.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)
    assert done.stdout.split() == ["plain,--rehearse"]


def test_the_formula_has_what_the_program_needs_on_its_systems() -> None:
    locked = pins(LOCK)
    assert locked["beta"] == Pin("2.0", frozenset({"b" * 64}), frozenset({"alpha", "windows-thing", "via"}))
    assert needed(locked, ["alpha>=1", "click>=8; sys_platform == 'win32'"]) == ["alpha", "beta"]


@pytest.fixture
def index() -> Iterator[str]:
    """A package index with archives of `alpha`: one that the lock knows is third."""

    class Simple(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            names = [("alpha-1.0.tar.gz", "c"), ("alpha-1.0-cp313-x.whl", "a"), ("alpha-1.0-py3-none-any.whl", "a")]
            files = [
                {"filename": name, "url": f"../files/{name}", "hashes": {"sha256": one * 64}} for name, one in names
            ]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"files": files}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Simple) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple/"
        server.shutdown()


def test_of_an_index_what_the_lock_knows_is_taken(index: str) -> None:
    with httpx.Client() as client:
        found = archive(client, index, "alpha", Pin("1.0", frozenset({"a" * 64}), frozenset()))
        assert found.url == f"{index}files/alpha-1.0-py3-none-any.whl"
        with pytest.raises(LookupError):
            archive(client, index, "alpha", Pin("1.0", frozenset({"d" * 64}), frozenset()))
    own = Archive("artfactoryd", "https://example.org/artfactoryd-9.tar.gz", hashlib.sha256(b"").hexdigest())
    text = formula("9", own, [found])
    assert f'resource "alpha" do\n    url "{found.url}"\n    sha256 "{"a" * 64}"' in text
    if shutil.which("ruby"):
        done = subprocess.run(["ruby", "-c", "-"], input=text, capture_output=True, text=True)
        assert "Syntax OK" in done.stdout, done.stderr


def test_pip_says_where_packages_come_from() -> None:
    assert index_of_pip({"PIP_INDEX_URL": "https://example.org/simple"}) == "https://example.org/simple"


def test_container_and_workflows_name_what_is_there() -> None:
    container = (ROOT / "Containerfile").read_text()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", container, re.MULTILINE)
    assert copied and all((ROOT / name).exists() for line in copied for name in line.split())
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in (ROOT / ".github/workflows").glob("*.yml"):
        steps = [step for job in yaml.safe_load(file.read_text())["jobs"].values() for step in job["steps"]]
        made = [words for step in steps for words in re.findall(r"^make (?:PYTHON=python )?(\w+)", step.get("run", ""))]
        assert set(made) <= targets
    [daemon] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values()
    assert daemon["read_only"] and daemon["user"] != "0"
