"""The one program, `artfactoryd`: a file a command group, with its command, its data and its words."""

import signal

_before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while it is being loaded ends it without a traceback

from artfactoryd.cli.interrupt import while_loading  # noqa: E402

with while_loading(_before):
    from artfactoryd.cli.program import main

__all__ = ["main"]
