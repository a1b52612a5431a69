"""Nodes against the JSON Schema of their kind, and what to write instead."""
