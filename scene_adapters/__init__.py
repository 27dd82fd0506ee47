"""Dataset files on disk to scene records. Knows nothing of the engine."""
