"""Contains the JSON Schemas (2020-12) of all files that people and programs read or write."""
