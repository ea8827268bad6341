"""Prints results, progress and questions on the terminal, and keeps text out of the commands of CI jobs."""
