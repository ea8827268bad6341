"""Defines values: of audits, plans, previews, trends and settings. No effects, and no library but msgspec."""
