"""Defines the policy language as values: policies, selectors, product sets, prices, decisions."""
