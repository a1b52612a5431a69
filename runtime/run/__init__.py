"""A run: hosts with their journals, its hashes, a journal again, its audit."""
