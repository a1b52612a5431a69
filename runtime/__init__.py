"""What happens in a run, whatever the garden: pure, it knows no clock, thread or network."""
