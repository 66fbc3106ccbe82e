"""Products arranged by a person: their clones in the folders of collections."""
