from __future__ import annotations

from artfactoryd import documents
from artfactoryd.cli.agents import skill
from artfactoryd.cli.upkeep.init import make_home
from tests.homes import TestHome


def test_init_installs_the_skill_brings_an_older_one_up_to_date_and_leaves_a_persons(home: TestHome) -> None:
    file = home.root / "SKILL.md"
    assert f"For agents:     {file}" in list(make_home(home.home))
    shipped = file.read_text()
    front = documents.read_documents(shipped.split("---")[1].encode(), "SKILL.md")[0].value
    assert front["name"] == "artfactory" and "never" in shipped.lower() and "approve" in shipped
    text = "what an earlier release shipped\n"
    file.write_text(f"{text}{skill._SHIPPED}{skill._mark(text)} -->\n")
    assert skill.install(home.root) and file.read_text() == shipped
    file.write_text(shipped.replace("Show the price", "Just buy"))
    assert f"For agents:     {file} (yours, left as it is)" in list(make_home(home.home))
    assert "Just buy" in file.read_text()
