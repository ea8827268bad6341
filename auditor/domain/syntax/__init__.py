"""What names, patterns, instants and numbers in files may be."""
