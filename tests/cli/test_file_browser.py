"""“Order with Art Factory” in the file browser: what is written for it, and what it does with what is selected."""

from __future__ import annotations

import json
import os
import plistlib
import subprocess
from pathlib import Path

import pytest

from artfactoryd.cli.upkeep import file_browser
from artfactoryd.daemon.supervisors import Service
from tests.homes import TestHome
from tests.pictures import draw

ODD = Service(Path("/Users/me/My $HOME 'x'"), Path("/Users/me"))
PROGRAM = Path('/Users/me/bin/art"factory')


def test_a_quick_action_is_a_service_of_finder_that_runs_the_script_on_what_is_selected() -> None:
    files = {name: plistlib.loads(data) for name, data in file_browser.workflow(ODD, PROGRAM).items()}
    assert set(files) == {"Contents/Info.plist", "Contents/document.wflow"}
    (service,) = files["Contents/Info.plist"]["NSServices"]
    assert service["NSMessage"] == "runWorkflowAsService" and service["NSSendFileTypes"] == ["public.item"]
    assert service["NSMenuItem"]["default"] == file_browser.title(ODD) != file_browser.NAME
    document = files["Contents/document.wflow"]
    assert document["workflowMetaData"]["workflowTypeIdentifier"] == "com.apple.Automator.servicesMenu"
    (action,) = document["actions"]
    parameters = action["action"]["ActionParameters"]
    assert parameters["inputMethod"] == 1 and parameters["shell"] == "/bin/sh"  # what is selected are its arguments
    assert parameters["COMMAND_STRING"] == file_browser.script(ODD, PROGRAM, "darwin")
    plain = Service(Path("/Users/me/ArtFactory"), Path("/Users/me"))
    if Path("/Users/me").resolve() == Path("/Users/me"):
        assert file_browser.title(plain) == file_browser.NAME


RECORD = """#!/bin/sh
{ printf '%s' "${0##*/}"; for word in "$@"; do printf '|%s' "$word"; done; printf '\\n'; } >> "$TOLD"
case "$*" in *--names*) printf 'noir\\nsmall one\\n';; *broken*) echo 'It is broken.' >&2; exit 1;; esac
"""
CHOOSE = """#!/bin/sh
case "$*" in *choose*|*--list*) echo 'small one';; *) printf '%s\\n' "told: $*" >> "$TOLD";; esac
"""


@pytest.mark.parametrize("platform", ["darwin", "linux"])
@pytest.mark.parametrize(
    ("selected", "done"),
    [
        (["a b.yaml"], ["submit|--|a b.yaml"]),
        (["cars.yaml", "hat.PNG", "-x.jpg"], ["submit|--|cars.yaml|hat.PNG|-x.jpg"]),
        (["folder"], ["submit|--|folder"]),
        (["hat.PNG", "$(touch x).jpg"],
         ["templates|--names", "submit|--template|small one|--|hat.PNG|$(touch x).jpg"]),
        (["broken.yaml"], ["submit|--|broken.yaml", "told"]),
        ([], []),
    ],
)  # fmt: skip
def test_recipes_are_submitted_as_they_are_and_pictures_by_a_template_that_is_asked_for(
    platform: str, selected: list[str], done: list[str], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    program = tmp_path / "bin" / "art 'factory"
    program.parent.mkdir()
    for path, text in ((program, RECORD), *((program.parent / name, CHOOSE) for name in ("osascript", "zenity"))):
        path.write_text(text)
        path.chmod(0o755)
    service = Service(tmp_path / "my home", tmp_path)
    (tmp_path / "action").write_text(file_browser.script(service, program, platform))
    environ = {"PATH": f"{program.parent}:{os.environ['PATH']}", "TOLD": str(tmp_path / "told")}
    subprocess.run(["/bin/sh", tmp_path / "action", *selected], cwd=tmp_path, env=environ, check=True)
    told = (tmp_path / "told").read_text().splitlines() if selected else []
    head = f"art 'factory|--home|{tmp_path / 'my home'}|"
    assert [line.removeprefix(head) for line in told if line.startswith(head)] == [one for one in done if one != "told"]
    assert any("It is broken." in line for line in told) == ("told" in done) and not (tmp_path / "x").exists()


def test_it_is_written_and_taken_away_again(tmp_path: Path) -> None:
    service = Service((tmp_path / "ArtFactory").resolve(), tmp_path.resolve())
    for platform in ("darwin", "linux"):
        lie = file_browser.places(service, platform, tmp_path / "share", ["nemo"])
        assert [line.partition(" ")[0] for line in file_browser.install(service, PROGRAM, platform, lie)] == ["Wrote"]
        (path,) = lie
        assert path.name.startswith(file_browser.NAME) and (path.is_dir() or os.access(path, os.X_OK))
        assert [*file_browser.uninstall(lie)] == [f"Took away {path}"] and not path.exists()
        assert [*file_browser.uninstall(lie)] == []
    (tmp_path / "taken").touch()
    (warning,) = file_browser.install(service, PROGRAM, "linux", [tmp_path / "taken" / "x"])
    assert warning.startswith("warning: ")


def test_pictures_are_made_by_a_template_that_says_where_they_go(home: TestHome, tmp_path: Path) -> None:
    (home.home.library / "templates").mkdir(exist_ok=True)
    (home.home.library / "templates" / "small one.yaml").write_text(
        "provider: local\nmodel: resize\nparameters: {image: '*', width: 8}\n"
    )
    for name in ("a.png", "b c.png"):
        draw(tmp_path / name)
    assert home.call("templates", "--names").stdout == "small one\n"
    pictures = [str(tmp_path / name) for name in ("a.png", "b c.png")]
    done = home.call("submit", "--wait", "--json", "--template", "small one", *pictures)
    (order,) = json.loads(done.stdout)["orders"]
    assert (order["name"], order["total_items"], done.returncode) == ("small-one", 2, 0)
    wrong = home.call("submit", "--template", "small ome", *pictures)
    assert wrong.returncode == 2 and "Did you mean small one?" in wrong.stderr
    assert not list(home.home.temp.iterdir())
