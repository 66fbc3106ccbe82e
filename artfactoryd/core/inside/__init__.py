"""What is written inside a picture about itself, as words and bytes. Where in a file it goes: `shelf.inside`."""
