"""A run as text."""
