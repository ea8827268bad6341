"""Commands that set up a repository, check access, and install completion."""
