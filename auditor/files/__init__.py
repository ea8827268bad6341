"""Reading and writing files: the one place that opens a path which a user, a store or a saved result names."""
