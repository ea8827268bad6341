"""Shows a Result in build systems."""
