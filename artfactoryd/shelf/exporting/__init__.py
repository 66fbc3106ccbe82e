"""Pictures handed out of the shelf: into a folder or an archive, never over what is there."""
