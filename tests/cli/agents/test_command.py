from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from artfactoryd.cli import main
from tests.homes import TestHome


def test_without_its_library_mcp_says_how_to_install_it(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "artfactoryd.cli.agents.server", raising=False)
    monkeypatch.setitem(sys.modules, "mcp.server.lowlevel", None)
    done = CliRunner().invoke(main, ["--home", str(home.root), "mcp"])
    assert done.exit_code == 2 and "pip install 'artfactoryd[mcp]'" in done.stderr and done.stdout == ""
