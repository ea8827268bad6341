"""Other ways to do the same work, which measurements are compared with."""
