"""The one program, `artfactoryd`. Each command is a few lines; heavy imports happen inside them."""

from artfactoryd.cli import library, orders, shelf, steer, upkeep, working  # each adds its commands
from artfactoryd.cli.program import main

__all__ = ["library", "main", "orders", "shelf", "steer", "upkeep", "working"]
