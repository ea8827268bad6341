"""Puts nights into a store; lists, prunes, restores and verifies them."""
