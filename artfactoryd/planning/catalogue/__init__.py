"""What is shipped beside the models that can be ordered."""
