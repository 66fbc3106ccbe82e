"""What an order can borrow from the Library: listed, shown, checked."""

from __future__ import annotations

import shutil

from tests.homes import TestHome


def test_lookups_are_counted_shown_and_checked(home: TestHome) -> None:
    shutil.rmtree(home.home.library / "lookups")
    assert "no lookups yet" in home.call("lookups").stdout
    (folder := home.home.library / "lookups" / "looks").mkdir(parents=True)
    (folder / "noir.txt").write_text("# dark\nlow key\nhard light\n")
    [listed] = home.ask("lookups")["lookups"]
    assert (listed["name"], listed["count"], listed["first"]) == ("looks/noir", 2, ["low key", "hard light"])
    assert home.call("lookups", "show", "looks/noir").stdout == "low key\nhard light\n"
    assert home.call("lookups", "check").returncode == 0
    (folder / "bad.yaml").write_text("- a\n- {b: c}\n")
    [wrong] = home.ask("lookups", "check")["problems"]
    assert (wrong["code"], wrong["line"]) == ("E_LIST", 2) and wrong["file"].endswith("bad.yaml")
    assert home.call("lookups", "check").returncode == 1
    done = home.call("lookups", "show", "looks/nior")
    assert done.returncode == 2 and "Did you mean looks/noir?" in done.stderr


def test_templates_are_listed_shown_and_checked(home: TestHome) -> None:
    shutil.rmtree(folder := home.home.library / "templates")
    folder.mkdir()
    (folder / "noir.yaml").write_text("model: sketch\ntags: [dark]\n")
    [listed] = home.ask("templates")["templates"]
    assert (listed["name"], listed["keys"]) == ("noir", ["model", "tags"])
    assert home.call("templates", "show", "noir").stdout == "model: sketch\ntags: [dark]\n"
    (folder / "a.yaml").write_text("tags: []\ntemplate: nior\n")
    (folder / "b.yaml").write_text("modle: x\n")
    found = home.ask("templates", "check")
    assert [(each["code"], each["line"], each["fix"]) for each in found["problems"]] == [
        ("E_TEMPLATE", 2, "Did you mean noir?"), ("E_UNKNOWN_KEY", 1, "Did you mean model?"),
    ]  # fmt: skip
    assert "b: cannot be used" in home.call("templates").stdout
