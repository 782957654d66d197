"""What is computed from a network and images: frozen results, no markup, no files."""
