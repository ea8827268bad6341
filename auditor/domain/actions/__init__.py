"""Values of actions: their priority, its reason, and money."""
