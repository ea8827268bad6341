"""Adds nights to a store; lists, prunes, restores and verifies them."""
