"""Opens every path that a user, a store or a saved result specifies, with size limits and inside its root folder."""
