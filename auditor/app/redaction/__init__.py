"""Replaces people in a Result with keyed pseudonyms."""
