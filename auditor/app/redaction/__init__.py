"""Replaces people in a Result by keyed pseudonyms."""
