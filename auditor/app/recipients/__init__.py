"""Decides which recipient gets which findings of a Result, and whether there is a reason to send them."""
