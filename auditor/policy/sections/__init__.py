"""Reads the sections of policy files, and files of decisions, into values of the policy language."""
