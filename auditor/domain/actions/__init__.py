"""Defines actions: kinds, priority and its reason, amounts of money."""
