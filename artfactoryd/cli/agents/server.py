"""The tools behind the Model Context Protocol, on standard input and output: the one door to its library.

Nothing else may be written to standard output: the library puts standard error in its place while it serves, so what a
library or a child process prints there lands where logs belong. Standard input is ours alone in the same way.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ListedTool

from artfactoryd import __version__
from artfactoryd.cli.agents.answers import Answer, refused
from artfactoryd.cli.agents.arguments import schema_of
from artfactoryd.cli.agents.skill import INSTRUCTIONS
from artfactoryd.cli.agents.tools import TOOLS, Desk, Tool
from artfactoryd.errors import ArtFactoryError, WrongUse
from artfactoryd.intake.submission import agent_name
from artfactoryd.medium import in_words

log = logging.getLogger(__name__)
PATIENCE = 90.0  # seconds for one answer
ON_ITS_WAY = 0.1  # seconds from a line that was read to its call, at most
LAST_WAIT = 10.0  # seconds that what was asked before the end of standard input is still answered
Context = ServerRequestContext[Any, Any]


def serve(desk: Desk) -> None:
    """Until standard input ends. An agent that was given no name is called as its client calls itself."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    asyncio.run(_serve(desk))


async def _serve(desk: Desk) -> None:
    asked = Asked()
    server = server_of(desk, asked)
    lines = cast("anyio.AsyncFile[str]", _lines(asked))  # nothing but its lines is asked for
    async with stdio_server(lines) as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


@dataclass
class Asked:
    """Calls that are not answered yet."""

    count: int = 0
    none: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.none.set()

    def __enter__(self) -> None:
        self.count += 1
        self.none.clear()

    def __exit__(self, *error: object) -> None:
        self.count -= 1
        if not self.count:
            self.none.set()


async def _lines(asked: Asked) -> AsyncIterator[str]:
    """Of standard input, which no child process reads from now on. Whoever only pipes a question in, and ends, is
    answered."""
    own = os.fdopen(os.dup(0), "rb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    while line := await anyio.to_thread.run_sync(own.readline, abandon_on_cancel=True):
        yield whole_letters(line)
    await asyncio.sleep(ON_ITS_WAY)
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WAIT):
            await asked.none.wait()


def whole_letters(line: bytes) -> str:
    """A message as it came; but half a surrogate, which cuts through an emoji leave and the library cannot read, is a
    question mark, so that the call has an answer."""
    text = line.decode("utf-8", "replace")
    if "\\ud" not in text.lower():
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"
    except (ValueError, RecursionError):
        return text


def server_of(desk: Desk, asked: Asked) -> Server[Any]:
    async def list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_listed(tool) for tool in TOOLS])

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        named = desk if desk.agent else replace(desk, agent=_called(context))
        with asked:
            answer = await _answer(named, params.name, params.arguments or {})
        content = [TextContent(type="text", text=answer.text)]
        return CallToolResult(content=list(content), structured_content=answer.data, is_error=answer.is_error)

    return Server(
        "artfactoryd", version=__version__, instructions=INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool
    )


def _called(context: Context) -> str:
    client = context.session.client_params
    return agent_name(client.client_info.name if client else "")


def _listed(tool: Tool) -> ListedTool:
    hints = ToolAnnotations(read_only_hint=not tool.changes, destructive_hint=False, open_world_hint=tool.changes)
    return ListedTool(
        name=tool.name, description=tool.words, input_schema=schema_of(tool.parameters), annotations=hints
    )


async def _answer(desk: Desk, name: str, given: Mapping[str, Any]) -> Answer:
    """In a thread: the loop goes on answering. Whatever goes wrong is an answer."""
    tool = next((tool for tool in TOOLS if tool.name == name), None)
    if tool is None:
        return refused(f"There is no tool {name[:60]!r}. There are: {', '.join(tool.name for tool in TOOLS)}.")
    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.to_thread(tool.answer, desk, given)
    except TimeoutError:
        return refused(f"{name} takes longer than {PATIENCE:g} seconds. Ask for less, or let a person plan it.")
    except WrongUse as error:
        return refused(str(error))
    except ArtFactoryError as error:
        return refused(f"{error.title}. {error}")
    except OSError as error:
        return refused(f"The system refuses. {in_words(error)}")
    except Exception as error:
        log.exception("%s failed: a defect of this program", name)
        return refused(f"A defect of this program keeps {name} from answering ({type(error).__name__}).")
