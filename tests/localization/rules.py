"""Rules by language: words of negation, and messages whose translation equals the English text."""

import re
from re import Pattern

# ruff: noqa: RUF001 - word lists in the letters of their languages

DENIED = re.compile(r"(?i)\b(?:not|never|cannot|nobody|nothing|none|neither|no longer|no|without)\b|n't\b")
"""English words of negation: without them a sentence has the opposite meaning."""
NOT_DENIED = re.compile(
    r"(?i)\bnot (?:the|only|until|as)\b|\bno matter\b|\brun without a path\b|\bnothing but\b|, or never \(default|, not \{\w+\}$|not at \{\w+\}"
)
"""English phrases that many languages translate without a negation."""

DENIALS: dict[str, Pattern[str]] = {
    "nl": re.compile(
        r"(?i)\b(?:niet(?:s|-\w+)?|nooit|geen|niemand|noch|nergens|zonder|nee|"
        r"on(?:bekend|volledig|aangeroerd|gebruikt|mogelijk|gewijzigd|gemoeid|bereikbaar)\w*|mislukt|ontbre\w+|geweigerd|buitengesloten)\b"
    ),
    "da": re.compile(
        r"(?i)\b(?:ikke|aldrig|ingen|intet|ingenting|hverken|uden|nej|heller|"
        r"u(?:kendt|fuldstændig|berørt|brugt|mulig|ændret|tilgængelig)\w*|mangl\w+)\b"
    ),
    "sv": re.compile(
        r"(?i)\b(?:inte|aldrig|ingen|inget|inga|ingenting|varken|utan|nej|heller|ej|"
        r"o(?:känd|kända|fullständig|berör|använd|möjlig|förändra|tillgänglig|licensiera)\w*|sakna\w*)\b"
    ),
    "tr": re.compile(
        r"(?i)\b(?:değil\w*|yok\w*|hiç\w*|asla|hayır)\b|\bne\b.*\bne\b|\w(?:m[ıiuü]yor|s[ıiuü]z(?:\b|ca|ce|l[aeıiuü]|d[ıiuü]|[ıiuü]))|"
        r"\wm[ae](?:z|d[ıi]|m[ıi]ş|m[ae]|y[ae]n|y[ae]b|y[ıi]n|y[ae]c|y[ıi]p|d[ae]n|s[ıi]n(?:l[ae]r)?\b)"
    ),
    "de": re.compile(
        r"(?i)\b(?:nicht\w*|nie|niemals|kein\w*|niemand\w*|weder|ohne|nein|andernfalls|"
        r"un(?:bekannt|vollständig|berührt|genutzt|benutzt|möglich|verändert|erreichbar|zugewiesen)\w*|fehl\w+|fehlschl\w+|verweigert|ausgesperrt|lizenzlos\w*)\b"
    ),
}

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

SAME: dict[str, frozenset[str]] = {
    "nl": frozenset(
        {
            "Product",
            "product",
            "Tenant",
            "tenant",
            "Contract",
            "Detail",
            "Status",
            "serviceplan",
            "open",
            "info",
            "{count} info",
            "{count} open",
            "%(count)s open",
            "Run",
            "run",
            "Tenants",
            "contract {name}",
        }
    )
    | frozenset(
        {
            "{count} product",
            "{count} tenant",
            "{count} tenants",
            "tenant {name}",
            "tenants: {known}",
            "tenants: {tenants}",
        }
    )
    | _TITLES
    | frozenset({"test {name}", "selector {name}", "{path} is {found}", "argument {name}: {reason}"}),
    "da": _TITLES | {"info", "{count} info", "Status", "population {name}", "division", "Division"},
    "sv": _TITLES
    | {"info", "{count} info", "Status", "Policy", "policy", "{count} policy", "text", "division", "Division"},
    "tr": _TITLES,
    "de": _TITLES | {"Name", "Status"},
}
"""By language: messages whose translation equals the English text."""
