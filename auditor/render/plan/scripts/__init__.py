"""Writes the requests of a plan as PowerShell scripts and as HTTP messages, for an administrator to run."""
