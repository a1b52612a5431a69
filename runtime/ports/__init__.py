"""What the kernel's drivers need of the world, each with its law."""
