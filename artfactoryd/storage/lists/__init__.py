"""What there is: orders that are not over, items that went wrong, products that a query finds."""
