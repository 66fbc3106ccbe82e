"""What a person did to the shelf, decided from what lies there and what was known to lie there."""
