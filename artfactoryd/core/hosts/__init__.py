"""Where providers answer."""
