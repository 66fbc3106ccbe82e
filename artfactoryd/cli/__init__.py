"""The one program, `artfactoryd`: a file a command group, with its command, its data and its words."""

from artfactoryd.cli.program import main

__all__ = ["main"]
