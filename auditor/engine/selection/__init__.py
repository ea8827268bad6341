"""Selectors, group names, roles and Conditional Access policies into who is meant: three-valued."""
