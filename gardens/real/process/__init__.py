"""What lives inside a process of a garden: actors, their work, their economy."""
