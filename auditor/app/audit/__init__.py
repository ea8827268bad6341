"""Runs an audit: judges snapshots against policies and assembles the Result with guidance and actions."""
