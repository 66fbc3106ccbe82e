"""Small pictures of what lies on the shelf: made from one decoding, and remembered as long as there is room."""

SIZES = (800, 400, 150)  # pixels of the longest side
