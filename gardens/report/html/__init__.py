"""A run as a page that stands alone."""
