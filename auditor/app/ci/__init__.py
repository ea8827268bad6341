"""Writes step summaries, annotations and outputs for GitHub Actions, and keeps issues on GitHub."""
