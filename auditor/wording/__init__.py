"""Translates messages and formats numbers, money and dates for one locale."""

from auditor.wording.wording import FALLBACK, Wording, languages, wording

__all__ = ["FALLBACK", "Wording", "languages", "wording"]
