"""Products arranged by a person: put into the bin of the shelf, and taken out again."""
