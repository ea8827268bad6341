"""Computes trends, forecasts and differences from the nights and results of a store."""
