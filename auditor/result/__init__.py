"""Computes sums, rankings, differences and pseudonyms of results, without rendering."""
