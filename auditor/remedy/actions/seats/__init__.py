"""Counts the seats that actions free and take, and decides which action buys or removes seats."""
