"""An order remembers from which recipe it comes, at which commit; without git nothing is known, and nothing suffers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from artfactoryd import documents
from artfactoryd.cli import explain
from artfactoryd.intake import recipes
from artfactoryd.intake.recipes import of_content, of_file
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
OLD, NEW = order("a red car").encode(), order("a blue car").encode()


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def committed(folder: Path, words: str) -> str:
    git(folder, "add", ".")
    git(folder, "commit", "-qm", words)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A recipe with two commits, and both."""
    folder = tmp_path_factory.mktemp("kitchen")
    git(folder, "init", "-q")
    (folder / "größe").mkdir()
    (folder / "größe" / "rot.yaml").write_bytes(OLD)
    first = committed(folder, "red")
    (folder / "größe" / "rot.yaml").write_bytes(NEW)
    (folder / "copy.yaml").write_bytes(NEW)
    return folder, first, committed(folder, "blue")


def test_what_was_dropped_is_found_by_its_bytes(repository: tuple[Path, str, str], tmp_path: Path) -> None:
    folder, first, second = repository
    path = "größe/rot.yaml"
    assert of_content(NEW, "rot.yaml", [folder]) == {"commit": second, "path": path, "dirty": False}
    assert of_content(NEW, "copy.yaml", [folder]) == {"commit": second, "path": "copy.yaml", "dirty": False}
    places = [tmp_path / "gone", tmp_path, folder / "größe"]
    assert of_content(OLD, "any.yaml", places) == {"commit": first, "path": path, "dirty": False}
    assert of_content(b"never seen", "rot.yaml", [folder]) is None
    (folder / "new ü.yaml").write_bytes(b"not committed")
    assert of_content(b"not committed", "x.yaml", [folder]) == {"commit": second, "path": "new ü.yaml", "dirty": True}
    assert of_file(folder / "größe" / "rot.yaml") == {"commit": second, "path": path, "dirty": False}


def test_where_nothing_can_be_asked_nothing_is_known(
    repository: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _, second = repository
    file = folder / "copy.yaml"
    monkeypatch.setenv("GIT_DIR", str(tmp_path))  # of whoever started us: none of ours
    assert (of_file(file) or {})["commit"] == second
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(recipes, "PATIENCE", 0.05)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert of_file(file) is None and of_content(NEW, "copy.yaml", [folder]) is None
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert of_file(file) is None and of_content(NEW, "copy.yaml", [folder]) is None


@pytest.mark.usefixtures("quick")
async def test_explain_tells_the_recipe_what_was_made_of_it_and_how_it_is_made_again(
    repository: tuple[Path, str, str], home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, first, _ = repository
    async with at_work(home, monkeypatch, recipes=(folder,)) as works:
        made = await works.make(OLD.decode())
        [parent] = works.house.books.index.products(made)
        edit = {"provider": "other", "model": "editor", "parameters": {"image": f"product:{parent.id}"}}
        child = await works.make(documents.dump_yaml(edit), "edit.yaml")
        [edited] = works.house.books.index.products(child)
    told = explain.explanation(home.home, parent.id)
    assert told.sidecar["order"]["git"] == {"commit": first, "path": "größe/rot.yaml", "dirty": False}
    assert told.made_of_it == [edited.path] and told.again == f"artfactoryd remake {parent.id}"
    words = explain.text(told)
    assert f"größe/rot.yaml at commit {first}" in words and edited.path in words and told.again in words
    assert "$0.01" in words and f"product {parent.id}" in explain.text(explain.explanation(home.home, edited.id))
