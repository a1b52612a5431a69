"""What is remembered of a run while it goes on, for the views of it."""
