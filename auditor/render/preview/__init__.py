"""Renders previews of policy changes."""
