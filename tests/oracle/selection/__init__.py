"""Whom a policy is about: selectors, and what they ask of use, roles and Conditional Access."""
