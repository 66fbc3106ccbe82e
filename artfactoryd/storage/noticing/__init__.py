"""What the index knows of where products lie, and how it follows what a person did there."""
