"""Agents, by a real client: what they plan, submit and find, what they cannot do, and what they write wrongly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from PIL import Image

from artfactoryd.cli.agents import server
from artfactoryd.cli.agents.tools import TOOLS, Desk
from tests.homes import TestHome

CARS = "provider: local\nmodel: sketch\nparameters: {prompt: 'A [red,blue] car', width: 64, height: 64, seed: 7}\n"
PAID = "provider: replicate\nmodel: flux-dev\nparameters:\n  prompt: a car\n  image: {}\n"


class Agent:
    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, tool: str, **given: Any) -> dict[str, Any]:
        """Its data, which the text says as well."""
        result = await self.client.call_tool(tool, given)
        data = result.structured_content
        assert not result.is_error and data is not None, result.content
        assert json.loads(result.content[0].text) == data  # type: ignore[union-attr]
        return data

    async def refused(self, tool: str, **given: Any) -> str:
        result = await self.client.call_tool(tool, given)
        assert result.is_error, result.content
        return str(result.content[0].text)  # type: ignore[union-attr]


@asynccontextmanager
async def an_agent(home: TestHome, agent: str = "claude", **environ: str) -> AsyncIterator[Agent]:
    """Without a process of its own."""
    async with Client(server.server_of(Desk(home.home, environ, agent), server.Asked())) as client:
        yield Agent(client)


async def test_an_mcp_client_plans_submits_and_finds_cannot_approve_and_its_double_is_held(home: TestHome) -> None:
    command, *words = home.command("mcp")
    parameters = StdioServerParameters(command=command, args=words, env=home.environment())
    with home.running():
        async with Client(stdio_client(parameters)) as client:
            agent = Agent(client)
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names == ["plan", "submit", "status", "find", "models", "explain"]
            assert "There is no tool 'approve'" in await agent.refused("approve", order="x")

            [planned] = (await agent.ask("plan", order=CARS))["orders"]
            assert (planned["total_items"], planned["price"]["usd"], planned["held"]) == (2, 0, [])
            first = await agent.ask("submit", order=CARS, name="cars", at_most_usd=0, wait=20)
            made = first["orders"][0]["order_id"]
            while (order := (await agent.ask("status", order=first["submission"]))["orders"][0])[
                "status"
            ] != "completed":
                assert order["status"] in ("queued", "processing")
                await asyncio.sleep(0.02)
            assert order["agent"] == "mcp" and len(order["products"]) == 2 and order["receipt"].endswith("receipt.yaml")

            found = (await agent.ask("find", query="red"))["products"]
            explained = await agent.ask("explain", product=found[0]["id"])
            assert explained["sidecar"]["origin"]["agent"] == "mcp" and explained["sidecar"]["order"]["id"] == made

            again = await agent.ask("submit", order=f"# once more\n{CARS}", name="other", wait=20)
            assert again["state"] == "held" and f"duplicate of cars ({made[:13]}" in again["orders"][0]["reasons"][0]
    assert len(home.products()) == 2 and home.lines("approval") == []


async def test_what_an_agent_writes_wrongly_is_told_in_words_and_reads_no_file_of_anybodys(home: TestHome) -> None:
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    for place in (home.root / "secret.png", home.root.parent / "secret.png"):
        place.write_bytes(picture.getvalue())
    (home.home.library / "link.png").symlink_to(home.root / "secret.png")
    secret = "provider: replicate\nmodel: acme/x\nparameters: {prompt: a, api_key: 'env:HIDDEN'}\n"
    (home.home.models / "x.yaml").write_text(
        "provider: replicate\nmodel: acme/x\nprice: {usd: 1, per: call}\nschema: {type: object, properties: "
        "{prompt: {type: string}, api_key: {type: string, format: password, x-cog-secret: true}}}\n"
    )
    wrong = {
        "(order.yaml, line 3, column 22": "provider: local\nmodel: sketch\nparameters: {prompt: [a\n",
        "Did you mean prompt? (order.yaml, line 3": "provider: local\nmodel: sketch\nparameters: {promt: a}\n",
        "'../secret.png' is not a path beside": PAID.format("../secret.png"),
        "'/etc/passwd' is not a path beside": PAID.format("/etc/passwd"),
        "'Library/../secret.png' is not a path": PAID.format("Library/../secret.png"),
        "it is a link": PAID.format("Library/link.png"),
        "There is no order.yaml beside the order": PAID.format("order.yaml"),
        "that is inside this network": PAID.format("https://127.0.0.1/x.png"),
        "There is no template '../artfactory'": "template: ../artfactory\nparameters: {prompt: a}\n",
        "names a secret, and an agent hands this in": secret,
        "`order` has 1048577 bytes": "x" * 1_048_577,
        "`order` is empty": " ",
    }
    async with an_agent(home, HIDDEN="very secret words") as agent:
        for words, order in wrong.items():
            for tool in ("plan", "submit"):
                said = await agent.refused(tool, order=order)
                assert words in said and "very secret" not in said, said
        assert "takes no `files`" in await agent.refused("submit", order=CARS, files=["/etc/passwd"])
        assert "`order` is to be of type string" in await agent.refused("plan", order={"model": "sketch"})
        assert "`wait` goes from 0 to 30" in await agent.refused("submit", order=CARS, wait=1e9)
        for path in ("/etc/passwd", "../secret.png", str(home.root / "secret.png"), "\ud800"):
            assert "There is no product" in await agent.refused("explain", product=path)
        assert (await agent.ask("find", query=str(home.root / "secret.png")))["products"] == []
        assert "There is no order" in await agent.refused("status", order="../../etc")
        assert "no model 'nothing'" in await agent.refused("models", model="nothing")
    assert not list(home.home.inbox.iterdir())


async def test_what_is_enormous_or_acts_is_answered_within_bounds(home: TestHome) -> None:
    words = " ".join(["[" + ",".join(map(str, range(100))) + "]"] * 4)
    prompt = f"<script>alert(1)</script> \x1b {words} {'y' * 100_000}"
    order = json.dumps({"provider": "local", "model": "sketch", "limit": 3, "parameters": {"prompt": prompt}})
    async with an_agent(home) as agent:
        [planned] = (data := await agent.ask("plan", order=order, items=2))["orders"]
        assert planned["total_items"] == 100**4 and data["shortened"] and len(json.dumps(data)) < 80_000
        assert "<script>" in planned["first"] and "need your word" in planned["held"][0]["text"]
        said = await agent.refused("submit", order=PAID.replace("\n  image: {}", ""), at_most_usd=0.001)
        assert "Nothing was submitted: it may cost $0.025, and `at_most_usd` is 0.001" in said
        placed = await agent.ask("submit", order=CARS, name="../../<b>\x1b[31m", wait=0)
        assert placed["state"] == "waiting" and "once a person starts" in placed["text"]
        [bundle] = home.home.inbox.iterdir()
        assert bundle.name.isascii() and json.loads((bundle / ".submit.json").read_text())["agent"] == "claude"
        assert (await agent.ask("status", order=placed["submission"]))["state"] == "waiting"


async def test_a_defect_and_a_broken_home_are_answers_too(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with an_agent(home) as agent:
        home.home.settings_file.write_text("budget: {per_day: much}\n")
        assert "per_day" in await agent.refused("plan", order=CARS)
        monkeypatch.setattr(Desk, "settings", lambda desk: 1 / 0)
        assert "A defect of this program keeps plan from answering" in await agent.refused("plan", order=CARS)
    assert "ZeroDivisionError" in caplog.text
    assert not any(word in tool.name for tool in TOOLS for word in ("approve", "set", "cap", "retry", "resume"))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'{"a": "\\ud83d\\ude00 \xc3\xa4"}\n', '{"a": "\U0001f600 \u00e4"}\n'),
        (b'{"a": "\\ud83d"}\n', '{"a": "?"}\n'),
        (b'{"a": "\xff"}\n', '{"a": "\ufffd"}\n'), (b'{"a": "\\udfff\n', '{"a": "\\udfff\n'), (b"{}\n", "{}\n"),
        (b"[" * 100_000 + b'"\\ud83d"\n', "[" * 100_000 + '"\\ud83d"\n'),
    ],
)  # fmt: skip
def test_half_an_emoji_in_a_message_is_a_question_mark_and_the_rest_stays(line: bytes, text: str) -> None:
    assert server.whole_letters(line) == text
