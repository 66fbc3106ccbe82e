"""The one program, `artfactoryd`. Each command is a few lines; heavy imports happen inside them."""

from artfactoryd.cli import library_commands, order_commands, shelf_commands, steer, upkeep, working
from artfactoryd.cli.program import main

__all__ = ["library_commands", "main", "order_commands", "shelf_commands", "steer", "upkeep", "working"]
