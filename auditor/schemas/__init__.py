"""The JSON Schemas (2020-12) of everything that people and programs write for, or read from, the auditor."""
