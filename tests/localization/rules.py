"""Rules about translations: words of negation, names, and what languages.yaml says about each language."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DENIED = re.compile(r"(?i)\b(?:not|never|cannot|nobody|nothing|none|neither|no longer|no|without)\b|n't\b")
"""English words of negation: without them a sentence has the opposite meaning."""
NOT_DENIED = re.compile(
    r"(?i)\bnot (?:the|only|until|as)\b|\bno matter\b|\brun without a path\b|\bnothing but\b|, or never \(default|, not \{\w+\}$|not at \{\w+\}"
)
"""English phrases that many languages translate without a negation."""

_LANGUAGES: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("languages.yaml").read_text(encoding="utf-8"))
DENIALS = {language: re.compile("".join(data["denials"])) for language, data in _LANGUAGES.items()}
QUOTES: dict[str, tuple[str, str]] = {language: tuple(data["quotes"]) for language, data in _LANGUAGES.items()}
DOCUMENTED = [(language, *label) for language, data in _LANGUAGES.items() for label in data["documented"].items()]
"""(language, English label, label in the language)."""
WRONG = [(language, pattern) for language, data in _LANGUAGES.items() for pattern in data["wrong"]]

NAMES = re.compile(
    r"redundant-licence|m365-license-auditor|Volume License Service Center|Cross Tenant User Data Migration|Microsoft Customer Agreement|Online Services|License IDs?"
)
"""Names that are not translated."""

ENGLISH = re.compile(r"(?i)\b(?:the|and|with|from|you|your|when|which|this|these|their|are|has|licen[cs]es?|should)\b")
"""English words that are not words in the languages of the catalogues."""

TITLES = frozenset({"Microsoft Graph: user assignLicense", "Microsoft Graph: user reprocessLicenseAssignment"})
"""Titles of pages that are named after requests."""
PATTERNS = frozenset({"true", "{condition}: {statement}", "{title} ({article})"})
"""Messages that consist only of placeholders and punctuation, or of a word of YAML."""

_TITLES = frozenset(
    {
        "CloudBlue: Extended Service Terms",
        "Microsoft Graph: group assignLicense",
        "Partner Center: Extended Service Terms",
    }
)
"""Titles of pages that exist only in English."""

SAME = {language: _TITLES.union(data["same"]) for language, data in _LANGUAGES.items()}
"""By language: messages whose translation equals the English text."""
