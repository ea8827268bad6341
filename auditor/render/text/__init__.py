"""Puts values into words that every report shares."""
