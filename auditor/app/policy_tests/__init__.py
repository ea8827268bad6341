"""Runs the tests of policies."""
