"""Opens every path that a user, a store or a saved result names, within bounds and inside its root."""
