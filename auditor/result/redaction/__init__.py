"""Replaces users in a Result with keyed pseudonyms."""
