"""A garden from nothing to its end: its processes, its folder, its state."""
