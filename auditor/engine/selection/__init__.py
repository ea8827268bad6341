"""Resolves selectors, groups, roles and Conditional Access policies to users, in three-valued logic."""
