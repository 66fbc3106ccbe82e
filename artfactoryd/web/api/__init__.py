"""What programs, and the scripts of the page, are answered: one module for each kind of thing."""
