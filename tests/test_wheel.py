"""The wheel as somebody else gets it: built without isolation, beside the dependencies, far from the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]

ASK = """
import json, artfactoryd
from importlib.metadata import entry_points, version
from pathlib import Path
here = Path(artfactoryd.__file__).parent
print(json.dumps({
    "here": str(here),
    "version": [artfactoryd.__version__, version("artfactoryd")],
    "files": sorted(p.relative_to(here).as_posix() for p in here.rglob("*") if p.is_file() and p.suffix != ".pyc"),
    "factories": sorted(point.name for point in entry_points(group="artfactoryd.factories")),
}))
"""


def run(command: list[str], folder: Path) -> str:
    """Outside the checkout, with an environment and a HOME in which nothing was ever set up."""
    (folder / "tmp").mkdir(exist_ok=True)
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder / "tmp"), "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def install_beside_the_dependencies(wheel: Path, venv: Path) -> None:
    """Only the wheel is installed; a .pth line, unlike site-packages, runs no other .pth (the editable checkout's)."""
    run([sys.executable, "-m", "venv", "--without-pip", str(venv)], venv.parent)
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python")]
    run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], venv.parent)
    own = sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)})
    Path(own, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)]
    run(build, folder)
    (wheel,) = folder.glob("*.whl")
    install_beside_the_dependencies(wheel, folder / "venv")
    return folder / "venv" / "bin"


def shipped_from_the_checkout() -> set[str]:
    """What of the checkout must be in the package, by its name there."""
    tops = ("schemas", "examples", "launchd")
    names = {path.relative_to(CHECKOUT).as_posix() for top in tops for path in files(CHECKOUT / top)}
    return names | {path.relative_to(CHECKOUT / "artfactoryd").as_posix() for path in files(CHECKOUT / "artfactoryd")}


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]


def test_the_wheel_alone_carries_schemas_examples_catalogue_and_migrations(installed: Path, tmp_path: Path) -> None:
    told = json.loads(run([str(installed / "python"), "-c", ASK], tmp_path))
    assert Path(told["here"]).is_relative_to(installed.parent)
    assert set(told["files"]) >= shipped_from_the_checkout()
    for kind in (
        "schemas/order.schema.json",
        "examples/01-cars.yaml",
        "catalog/",
        "storage/migrations/0001",
        "storage/migrations/all.sql",
    ):
        assert any(name.startswith(kind) for name in told["files"]), kind
    assert told["factories"] == ["comfyui", "fal", "local", "replicate"]
    assert told["version"][0] == told["version"][1]


def test_the_demo_of_the_wheel_ends_with_pictures_on_disk_and_says_where(installed: Path, tmp_path: Path) -> None:
    (examples,) = installed.parent.glob("lib/python*/site-packages/artfactoryd/examples")
    large = examples / "11-shop"  # which the demo of the checkout draws
    shutil.move(large, aside := tmp_path / "aside")
    try:
        said = run([str(installed / "artfactoryd"), "demo"], tmp_path)
    finally:
        shutil.move(aside, large)
    pictures = [path for path in tmp_path.rglob("Projects/**/*.png") if path.stat().st_size > 0]
    assert len(pictures) >= 4
    words = "".join(said.split())  # a long path may be broken over lines
    assert any(str(above) in words for above in pictures[0].parents if above.is_relative_to(tmp_path / "tmp"))
