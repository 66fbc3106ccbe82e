"""Pictures opened and decoded, which only Pillow does."""
