"""What everything stands on: units, canonical bytes, errors, diagnostics, exact functions."""
