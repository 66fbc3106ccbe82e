"""What a person says of products: applied, taken back, found on the shelf, and written into sidecars."""
