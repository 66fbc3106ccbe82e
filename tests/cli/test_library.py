"""What an order can borrow from the Library: listed, shown, checked."""

from __future__ import annotations

import shutil

from tests.homes import TestHome


def test_lookups_are_counted_shown_and_checked(furnished: TestHome) -> None:
    shutil.rmtree(furnished.home.library / "lookups")
    assert "no lookups yet" in furnished.call("lookups").stdout
    (folder := furnished.home.library / "lookups" / "looks").mkdir(parents=True)
    (folder / "noir.txt").write_text("# dark\nlow key\nhard light\n")
    [listed] = furnished.ask("lookups")["lookups"]
    assert (listed["name"], listed["count"], listed["first"]) == ("looks/noir", 2, ["low key", "hard light"])
    assert furnished.call("lookups", "show", "looks/noir").stdout == "low key\nhard light\n"
    (folder / "hats.txt").write_text("2::cap # mine\n{red|blue} hat\n")
    assert furnished.call("lookups", "show", "looks/hats").stdout == "cap  (weight 2)\n{red|blue} hat\n"
    shown = furnished.ask("lookups", "show", "looks/hats")
    assert (shown["values"], shown["weights"]) == (["cap", "{red|blue} hat"], [2, 1])
    assert furnished.call("lookups", "check").returncode == 0
    (folder / "bad.yaml").write_text("- a\n- {b: c}\n")
    [wrong] = furnished.ask("lookups", "check")["problems"]
    assert (wrong["code"], wrong["line"]) == ("E_LIST", 2) and wrong["file"].endswith("bad.yaml")
    assert furnished.call("lookups", "check").returncode == 1
    done = furnished.call("lookups", "show", "looks/nior")
    assert done.returncode == 2 and "Did you mean looks/noir?" in done.stderr


def test_templates_are_listed_shown_and_checked(furnished: TestHome) -> None:
    shutil.rmtree(folder := furnished.home.library / "templates")
    folder.mkdir()
    (folder / "noir.yaml").write_text("model: sketch\ntags: [dark]\n")
    [listed] = furnished.ask("templates")["templates"]
    assert (listed["name"], listed["keys"]) == ("noir", ["model", "tags"])
    assert furnished.call("templates", "show", "noir").stdout == "model: sketch\ntags: [dark]\n"
    (folder / "a.yaml").write_text("tags: []\ntemplate: nior\n")
    (folder / "b.yaml").write_text("modle: x\n")
    found = furnished.ask("templates", "check")
    assert [(each["code"], each["line"], each["fix"]) for each in found["problems"]] == [
        ("E_TEMPLATE", 2, "Did you mean noir?"), ("E_UNKNOWN_KEY", 1, "Did you mean model?"),
    ]  # fmt: skip
    assert "b: cannot be used" in furnished.call("templates").stdout
