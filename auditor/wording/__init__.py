"""Translates messages and formats numbers, money and dates for one locale."""

from auditor.wording.checks import CHECKS, CheckWords
from auditor.wording.wording import FALLBACK, Wording, languages, wording

__all__ = ["CHECKS", "FALLBACK", "CheckWords", "Wording", "languages", "wording"]
