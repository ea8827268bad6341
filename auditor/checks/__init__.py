"""The checks that policies can use: a module for each check, and the registry of all checks."""
