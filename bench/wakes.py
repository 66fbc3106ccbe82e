"""What an item keeps the machine busy with beside its work: how often the loop is woken and its task goes on, tasks,
timers, hops to threads, questions to the index. Counts, which do not depend on how busy the machine is."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from line import ITEMS, KINDS, order, provider, settings

from artfactoryd import documents
from artfactoryd.cli.program import main as program
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.home import Home
from artfactoryd.storage.engines.sqlite import SqliteEngine

Loop = asyncio.BaseEventLoop


def counted(done: Counter[str], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        done[name] += 1
        return function(*given, **named)

    return call


@contextlib.contextmanager
def counting() -> Iterator[Counter[str]]:
    done: Counter[str] = Counter()
    run = asyncio.Handle._run

    def step(handle: asyncio.Handle) -> None:
        done["callbacks of the loop"] += 1
        task = getattr(getattr(handle, "_callback", None), "__self__", None)
        if isinstance(task, asyncio.Task) and task.get_coro().__qualname__ == "Daemon._make":  # type: ignore[union-attr]
            done["steps of the item's own task"] += 1
        run(handle)

    watched = {
        "_run_once": "wakes of the loop", "create_task": "tasks", "run_in_executor": "hops to a thread",
        "call_soon_threadsafe": "calls from other threads", "call_at": "timers",
    }  # fmt: skip
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(asyncio.Handle, "_run", step))
        for name, words in watched.items():
            stack.enter_context(mock.patch.object(Loop, name, counted(done, words, getattr(Loop, name))))
        asked = counted(done, "statements to the index", SqliteEngine.ask)
        stack.enter_context(mock.patch.object(SqliteEngine, "ask", asked))
        yield done


def once(base: str) -> Counter[str]:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), counting() as done:
        home = Home(Path(folder).resolve() / "home")
        for _ in make_home(home):
            pass
        home.settings_file.write_text(documents.dump_yaml(settings(base)))
        (home.inbox / "many.yaml").write_text(documents.dump_yaml(order()))
        os.environ["REPLICATE_API_TOKEN"] = "r8_bench"
        with contextlib.suppress(SystemExit):
            program(["--home", str(home.root), "once", "--json"], standalone_mode=False)
    return done


def main() -> None:
    with provider(KINDS[0]) as base:
        done = once(base)
    print(f"wakes: {ITEMS} items, four requests each")
    for what, times in done.most_common():
        print(f"  {what:<30} {times / ITEMS:6.1f} an item")


if __name__ == "__main__":
    main()
