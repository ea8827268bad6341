"""Runs an audit: snapshots and policies in, a Result with guidance and actions out."""
