"""The virtual garden: a simulated clock, and costs and faults drawn from a seed."""
