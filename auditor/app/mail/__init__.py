"""Decides who gets which mail about a Result, builds it, and opens the route over which `deliver` sends it."""
