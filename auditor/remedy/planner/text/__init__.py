"""Renders plans and questions as text for people."""
