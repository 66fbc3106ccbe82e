"""What came: put on the shelf, and looked at once more later."""
