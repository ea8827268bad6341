"""Decides which recipient gets which part of a Result, and whether there is a reason to send it."""
