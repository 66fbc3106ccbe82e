"""What can be asked of products, and what a value in a query means."""
