"""Describes findings in sentences: their evidence, usage, contracts and paths."""
