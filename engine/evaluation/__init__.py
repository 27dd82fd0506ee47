"""A checkpoint is asked questions that are not trained on, and its answers are scored."""
