"""From bytes to nodes that know their place: files, YAML 1.2, scalars."""
