"""Encodes what changed in a tenant from one night to the next, and replays it."""
