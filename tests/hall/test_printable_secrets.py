from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd import log
from artfactoryd import printable as door
from artfactoryd.cli.orders import whole_order
from artfactoryd.errors import CallRefused
from artfactoryd.printable import redact
from tests.hall.test_log import SECRETS, leave_logging_as_it_was
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["leave_logging_as_it_was", "quick"]

PLAIN = [
    "the key parameters.prompt is unknown", "Key colours are red and blue", "a token of love", "16:9", "flux-dev",
    "api_key: env:REPLICATE_API_TOKEN", "the key: prompt", "No API key for fal is there", "tokens=12 seed=7", "http://127.0.0.1:8765/",
    "No API key for fal: the file /home/me/key is empty (settings: providers.fal.api_key).",
]  # fmt: skip
OUTSIDE = [
    "Authorization: Bearer {}", "authorization=Basic {}", "'Authorization': 'Bearer {}'", "Authorization: {}",
    "token={}", "access_token={}&x=1", "key=\"{}\"", "api_key: {}abc", '{{"api_key": "{}abc"}}', "API-Key={}",
    '{{\\"apiKey\\": \\"{}abc\\"}}', "secret: {}abcd",
    "x?sig=1&signature={}",
    "password={}",
]  # fmt: skip
# as public reports of other programs quote them
REPORTED = [
    "headers: {{ Accept: 'x', Authorization: 'Bearer {}' }}", '"headers":{{"x-api-key":"{}","a":1}}',
    "header value: 'Bearer {}\\n'", "header value: b'Bearer {}'", "open?authz=Bearer%20{}&x=1",
    "Failed to parse authorization token '{}': it ends early", "Incorrect API key provided: {}. You can find",
    "Unexpected char 0x0a at 61 in Authorization value: Bearer {}",
]  # fmt: skip
OF_A_KIND = ["key: sk-proj-abcdef", "sk-1234567890", "hf_abcdefgh", "eyJhbGciOi.eyJzdWIi.abc", "token: 12345678abcd"]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_key_is_taken_out_of_any_text(secret: str) -> None:
    clean = redact(f"before {secret} after")
    assert "[key]" in clean and clean.startswith("before ") and clean.endswith(" after")
    assert not re.search("secret|Abc123|0123456789ab", clean)


@pytest.mark.parametrize("words", OUTSIDE)
def test_what_a_name_says_to_be_a_secret_is_taken_out_whatever_its_shape(words: str) -> None:
    clean = redact(f"before {words.format('xyz')} after")
    assert "[key]" in clean and "xyz" not in clean and clean.startswith("before ") and clean.endswith(" after")
    assert redact(clean) == clean


@pytest.mark.parametrize("words", REPORTED)
def test_what_other_programs_have_leaked_is_taken_out(words: str) -> None:
    assert "SUPER" not in redact(words.format("acme-SUPER5ecret.token"))


@pytest.mark.parametrize("secret", OF_A_KIND)
def test_what_has_the_shape_of_a_key_is_taken_out(secret: str) -> None:
    assert re.fullmatch(r"((key|token): )?\[key\]", redact(secret))


@pytest.mark.parametrize("words", PLAIN)
def test_ordinary_words_are_left_alone(words: str) -> None:
    assert redact(words) == words


def test_a_secret_that_was_resolved_is_taken_out_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_hidden", ())
    door.hide("quiteplainwords")
    door.hide("red")
    assert redact("it says quiteplainwords of a red car") == "it says [key] of a red car"


@pytest.mark.usefixtures("quick")
async def test_what_a_provider_says_of_a_key_is_read_nowhere(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = CallRefused("the gateway says: Authorization: Bearer xyz, token=abc, key: sk-a1b2c3")
    log.setup("info", home.home.logs, "nothing")
    async with at_work(home, monkeypatch, script=lambda fake: fake.script("submit", refusal)) as works:
        order_id = await works.make(order("a car"))
        folder = home.root / works.folder(order_id)
        await works.until(lambda: "gateway" in (folder / "receipt.yaml").read_text())
        told = [json.dumps(whole_order(home.home, works.house.settings.now, order_id).to_json())]
    told += [(folder / "receipt.yaml").read_text(), *(path.read_text() for path in home.home.logs.glob("*.log"))]
    assert all("gateway says" in text and "[key]" in text for text in told[:2])
    assert not [text for text in told if "Bearer xyz" in text or "token=abc" in text or "a1b2c3" in text]


def test_of_an_address_everything_after_its_question_mark_is_taken_out() -> None:
    assert redact("at https://a.b/c?X-Amz-Signature=xyz&y=2 it lies") == "at https://a.b/c?… it lies"
    assert redact("https://a.b/c?…") == "https://a.b/c?…"


def test_a_document_without_signatures_is_still_that_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_hidden", ())
    door.hide('se"cret')
    document = {"key": "then.0.file", "a": "https://x.org/a.png?sig=1", "b": "https://ann:pw@x.org/", "c": 'a se"cret'}
    clean = json.loads(door.redact_json(json.dumps(document)))
    assert clean == {"key": "then.0.file", "a": "https://x.org/a.png?…", "b": "https://[key]@x.org/", "c": "a [key]"}


def test_a_known_secret_goes_whole_whatever_it_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_hidden", ())
    door.hide("abcdef;ghi jkl")
    assert redact("password=abcdef;ghi jkl.") == "password=[key]."


@pytest.mark.parametrize("part", ["a-", "api-key-", "https://", "token: ", "a:", "key=", "x" * 99 + "."])
def test_a_long_text_costs_no_more_than_its_length(part: str) -> None:
    def seconds(length: int) -> float:
        text = part * (length // len(part))
        began = time.process_time()
        redact(text)
        return time.process_time() - began

    seconds(2_000)
    assert seconds(40_000) < 0.5


@given(st.from_regex(door._SHAPES), st.text(max_size=5))
def test_whatever_has_the_shape_of_a_secret_is_looked_at_for_it(text: str, before: str) -> None:
    """A quick look goes before the thorough one: it passes over nothing that the thorough one would find."""
    whole = f"{before} {text}"
    assert "?" in whole or door.redact_json(whole) == door._SHAPES.sub(door.MASK, whole)
