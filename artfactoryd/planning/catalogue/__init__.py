"""What is shipped beside the models that can be ordered, and models in the words of their provider."""
