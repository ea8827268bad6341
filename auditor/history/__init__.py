"""Computes trends, forecasts and differences of nights and results, and keeps the log of results in a store."""
