"""What others get to help tells how it is, and nothing of whose it is or what was made."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from artfactoryd import log
from artfactoryd.cli.doctor import bundle
from artfactoryd.cli.doctor.redaction import GAP, Redaction
from artfactoryd.cli.doctor.report import BAD, Row
from artfactoryd.errors import WrongUse
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
KEY = "r8_AbcdefAbcdefAbcdef123"
PERSONAL = ("zebra", "ophelia", "wedding", "grandmother", "secretproject", "/home/", KEY, "mum", "violin")


@pytest.mark.usefixtures("quick")
async def test_nothing_personal_is_in_it_and_what_helps_is(
    home: TestHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = {"wedding": {"parameters": {"prompt": "a violin"}}}
    home.configure(budget={"per_day": 7}, inbox={"defaults": boxes, "path": str(tmp_path / "ophelia")})
    async with at_work(home, monkeypatch) as works:
        drop = order("a zebra with [mum,grandmother]", project="secretproject", tags=["wedding"], notes="for ophelia")
        await works.make(drop, "wedding.yaml")
        await works.make(order("a zebra", budget=0.001), "dear.yaml")
    text = {"text": f"wedding.yaml cannot be read in {tmp_path}: Ophelia's key is {KEY}"}
    line = {
        "at": "2026-11-30T12:00:00",
        "level": "error",
        "logger": "daemon.loop",
        **text,
        "traceback": f"a\n{tmp_path}",
    }
    home.home.logs.mkdir(parents=True, exist_ok=True)
    (home.home.logs / log.FILES["application"]).write_text(json.dumps(line) + "\n")
    target = tmp_path / "told.zip"
    bundle.write(home.home, [Row("folder", BAD, f"{home.root} cannot be written by ophelia")], target)
    with zipfile.ZipFile(target) as file:
        parts = {name: file.read(name).decode() for name in file.namelist()}
    whole = "\n".join(parts.values()).lower()
    assert [word for word in (*PERSONAL, str(tmp_path)) if word.lower() in whole] == []
    assert all(name in parts["README.txt"] for name in parts if name != "README.txt")
    settings = json.loads(parts["settings.json"])
    assert settings["budget"] == {"per_day": 7} and settings["inbox"]["path"] == "[set]"
    ledger = [json.loads(line) for line in parts["ledger.jsonl"].splitlines()]
    assert (
        ledger[0]["kinds"]["wish"] == 2
        and [it["reserved"] for it in ledger if it.get("kind") == "wish"] == [10_000] * 2
    )
    assert {"state": "completed", "n": 2} in json.loads(parts["counts.json"])["items"]
    [told] = [json.loads(line) for line in parts["log.jsonl"].splitlines()]
    assert "cannot be read in [path]" in told["text"] and GAP in told["text"]
    assert "cannot be written by" in parts["doctor.json"]
    with pytest.raises(WrongUse, match="is there already"):
        bundle.write(home.home, [], target)


def test_of_a_home_that_is_broken_what_can_be_told_is_told(home: TestHome, tmp_path: Path) -> None:
    home.home.index_file.write_bytes(b"no database" * 100)
    (home.home.ledger / "2026-11.jsonl").write_text('{"kind":"pause"}\nmy zebra\n{"kind":"pause"}\n')
    home.home.settings_file.write_text("{ no: yaml")
    bundle.write(home.home, [], tmp_path / "told.zip")
    with zipfile.ZipFile(tmp_path / "told.zip") as file:
        assert "zebra" not in "".join(file.read(name).decode() for name in file.namelist())
        assert json.loads(file.read("settings.json")) == {"unread": "Refusal"}
        assert "damaged" in file.read("counts.json").decode() and "unreadable" in file.read("ledger.jsonl").decode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("No room left on the disk of /Volumes/Anna/x Xyq", f"No room left on the disk of [path] {GAP}"),
        ("Żaneta's file:///x and anna@example.org", f"{GAP}'s [path] and [path]"),
        (f"Authorization: Bearer {KEY}", "Authorization: [key]"),
    ],
)
def test_a_text_is_let_through_word_by_word(text: str, shown: str) -> None:
    assert Redaction([]).text(text) == shown
