"""Builds the commands that prepare a tenant: the application, its permissions, and the sign-in of GitHub jobs."""
