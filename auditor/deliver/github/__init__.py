"""Writes to GitHub: summaries and annotations of workflows, and issues."""
