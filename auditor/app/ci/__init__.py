"""Writes step summaries, annotations and outputs for GitHub Actions."""
