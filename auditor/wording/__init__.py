"""Turns English messages, numbers, money and dates into one reader's language."""

from auditor.wording.checks import CHECKS, CheckWords
from auditor.wording.wording import FALLBACK, Wording, languages, wording

__all__ = ["CHECKS", "FALLBACK", "CheckWords", "Wording", "languages", "wording"]
