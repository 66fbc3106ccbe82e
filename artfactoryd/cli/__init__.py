"""The one program, `artfactoryd`. Each command is a few lines; heavy imports happen inside them."""

from artfactoryd.cli import orders, shelf, steer, upkeep, working  # each adds its commands
from artfactoryd.cli.program import main

__all__ = ["main", "orders", "shelf", "steer", "upkeep", "working"]
