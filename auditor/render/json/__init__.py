"""Writes JSON documents."""
