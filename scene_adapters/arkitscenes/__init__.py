"""ARKitScenes downloads."""
