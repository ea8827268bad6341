"""Describes the evidence of findings in words: seats, people, usage, contracts, assignment paths."""
