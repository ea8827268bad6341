"""Policies in one tenant: bound to its facts, with what they apply to, their waivers, and what is undecided."""
