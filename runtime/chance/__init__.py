"""What happens by chance: draws, distributions, models of work and bus, stimuli."""
