"""What other tools say of the pictures they made, as they write it inside the file or beside it."""
