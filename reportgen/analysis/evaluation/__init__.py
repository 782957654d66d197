"""A network's answers against the right ones."""
