"""What comes from outside is shown as text wherever a person reads it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from artfactoryd import log
from artfactoryd.errors import Problem
from artfactoryd.printable import one_line, printable
from tests.homes import TestHome

ESCAPE, OVERRIDE, ONE_BYTE = "\x1bc", "\u202e", "\x9b2J"
ACTS = (ESCAPE, OVERRIDE, ONE_BYTE, "\x07", "\r", "\u2028", "\u2066", "\ud800", "\x7f", "\u200f", "\x00")
HOSTILE = f"red{ESCAPE}{OVERRIDE}gpj{ONE_BYTE}\nstate completed"


@pytest.mark.parametrize("what", ACTS, ids=ascii)
def test_what_would_act_is_shown_and_all_other_text_is_left_as_it_is(what: str) -> None:
    kept = "a\tb\nÄ 红 🚗 e\u0301 \u200d"
    assert printable(kept) == kept
    shown = printable(f"a{what}b")
    assert shown.isprintable() and shown.startswith("a\\u00" if ord(what[0]) < 256 else "a\\u")
    assert one_line("a\r\nb\nc") == "a\\nb\\nc"


def test_json_stays_json_and_says_the_same() -> None:
    value = {"name": "".join(ACTS)}
    assert json.loads(printable(json.dumps(value, ensure_ascii=False))) == value


def test_a_problem_is_one_line_whatever_it_quotes() -> None:
    assert str(Problem("E_X", "there is no a\nb")).count("\n") == 0


def test_a_log_has_no_escapes(tmp_path: Path) -> None:
    log.setup("info", tmp_path, stderr="nothing")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        with log.fields(order=HOSTILE):
            logging.getLogger("artfactoryd.x").exception("what came: %s", HOSTILE)
    text = (tmp_path / log.FILE).read_text()
    assert "red" in text and not {ESCAPE[0], OVERRIDE, ONE_BYTE[0]} & set(text)


def test_no_command_and_no_word_beside_a_file_lets_a_name_or_a_prompt_act(home: TestHome) -> None:
    prompt = json.dumps(HOSTILE)
    good = f"provider: local\nmodel: sketch\nparameters: {{prompt: {prompt}, width: 64, height: 64}}\ntags: [a]\n"
    home.drop("good.yaml", good)
    home.drop(f"bad{ESCAPE}{OVERRIDE}.yaml", f"provider: {prompt}\nmodel: {prompt}\nparameters: {{prompt: a}}\n")
    home.drop("held.yaml", good + f"notes: {prompt}\nproject: held\nproof: 1\ncount: 2\n")
    plan = home.root / "plan.yaml"
    plan.write_text(good)
    told = [home.call("plan", str(plan)), home.call("plan", str(plan), "--json"), home.call("once")]
    assert home.products(), told[-1]
    product = str(home.products()[0])
    for words in (("orders",), ("status",), ("products",), ("order", "good"), ("explain", product), ("logs",),
                  ("why", f"bad{ESCAPE}.yaml"), ("order", HOSTILE), ("products", HOSTILE), ("order", "good", "--json"),
                  ("explain", product, "--json"), ("spend",), ("providers",)):  # fmt: skip
        told.append(home.call(*words))
    texts = [text for done in told for text in (done.stdout, done.stderr)]
    beside = [*home.home.rejected.glob("*.txt"), *home.home.held.glob("*.txt"), *home.home.logs.glob("*")]
    texts += [path.read_text(errors="replace") for path in beside]
    assert beside and [text for text in texts if {ESCAPE[0], OVERRIDE, ONE_BYTE[0]} & set(text)] == []
    assert not any(line.startswith("state completed") for text in texts for line in text.splitlines())


def test_plan_off_a_terminal_and_the_summaries_fold_the_lines_of_a_prompt_and_a_name(home: TestHome) -> None:
    order = home.root / "plan.yaml"
    text = 'provider: local\nmodel: sketch\nname: "car price x"\n'
    text += 'parameters: {prompt: ["a\\nso it is free", "b\\nso it is free"], width: 64, height: 64}\n'
    order.write_text(text)
    home.drop("lines.yaml", text)
    home.drop("a\nso rejected.yaml", "- 1\n")
    for words in (("plan", str(order)), ("once",), ("status",), ("orders",), ("order", "--latest", "car price x")):
        done = home.call(*words)
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
        assert words[0] != "plan" or "\\nso it is free" in done.stdout
        assert lines and not [line for line in lines if line.startswith(("so it is free", "so rej"))], words
