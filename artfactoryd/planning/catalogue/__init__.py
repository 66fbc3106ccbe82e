"""What is shipped beside the models that can be ordered, models in the words of their provider, and asking it."""
