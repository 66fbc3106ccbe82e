"""The one program, `artfactoryd`. Each command is a few lines; heavy imports happen inside them."""

from artfactoryd.cli.program import main

__all__ = ["library", "main", "orders", "shelf", "steer", "upkeep", "working"]
