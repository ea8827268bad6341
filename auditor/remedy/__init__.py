"""Turns findings into actions: documented steps, requests to review, and a plan."""
