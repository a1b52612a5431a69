"""What a run amounts to, and how a person reads it: outcome, verdicts, result, text, files."""
