"""Proposes changes of people and groups, and evaluates each with the policies."""
