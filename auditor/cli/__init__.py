"""Parses arguments, runs commands, prints results and errors, and returns exit codes."""
