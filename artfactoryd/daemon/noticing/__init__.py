"""What a person does on the shelf in the file browser, noticed and followed."""
