"""Draws numbers over time and seats as SVG."""
