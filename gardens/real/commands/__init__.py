"""The verbs of real gardens."""
