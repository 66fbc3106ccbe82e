"""What a model takes and what a parameter's value may be: schemas, files and secrets in it."""
