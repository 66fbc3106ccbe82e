"""Contact sheets: drawn as a picture, told apart from products, written as a page of its own."""
