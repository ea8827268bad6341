"""Runs an audit: evaluates snapshots against policies and assembles the Result with guidance and actions."""
