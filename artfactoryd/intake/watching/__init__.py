"""That something changed in a folder, as the system tells it: hints to look, never more."""
