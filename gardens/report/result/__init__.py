"""A run as figures: outcome, verdicts, summary, files."""
