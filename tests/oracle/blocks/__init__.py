"""The constraint blocks of a policy, one module for each kind of subject."""
