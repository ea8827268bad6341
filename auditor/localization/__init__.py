"""Translates messages and formats numbers, money and dates for one locale."""

from auditor.localization.localization import FALLBACK, Localization, languages, localization

__all__ = ["FALLBACK", "Localization", "languages", "localization"]
