"""Commands that take pictures out of the shelf, and into it."""
