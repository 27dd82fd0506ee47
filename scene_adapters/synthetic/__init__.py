"""Generated rooms: scenes that need no download."""
