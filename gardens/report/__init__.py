"""What a run amounts to, and how it is shown."""
