"""What policies can find: a file for each check, and the registry that lists them."""
