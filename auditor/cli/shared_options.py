"""Declares the options that several commands share."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from auditor.cli.options import fail_on, instant
from auditor.cli.places import location

_SHARED: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]]] = MappingProxyType(
    {
        "policies": (
            ("policies",),
            {
                "nargs": "*",
                "default": [],
                "type": Path,
                "metavar": "POLICY",
                "help": "files or folders (default: policies/, else the starter library)",
            },
        ),
        "demo": (("--demo",), {"action": "store_true", "help": "the tenants that ship with the program"}),
        "snapshot": (
            ("--snapshot",),
            {
                "action": "append",
                "type": location,
                "default": [],
                "metavar": "PLACE",
                "help": "a saved snapshot, a folder of them, or a store (repeatable)",
            },
        ),
        "tenant": (
            ("--tenant",),
            {"action": "append", "default": [], "metavar": "NAME", "help": "only this tenant (repeatable)"},
        ),
        "as_of": (("--as-of",), {"type": instant, "metavar": "RFC3339"}),
        "output": (
            ("-o", "--output"),
            {"type": Path, "metavar": "DIR", "help": "where reports go (default: out/)"},
        ),
        "format": (("-f", "--format"), {"action": "append", "default": [], "metavar": "FORMAT[=PATH]"}),
        "csv_bom": (
            ("--csv-bom",),
            {"action": "store_true", "help": "write a byte order mark so that Excel detects UTF-8"},
        ),
        "locale": (("--locale",), {"metavar": "TAG"}),
        "fail_on": (
            ("--fail-on",),
            {
                "type": fail_on,
                "default": argparse.SUPPRESS,
                "metavar": "SEVERITY",
                "help": "exit 1 from this severity on, or never; new:SEVERITY counts only what is new (default: high)",
            },
        ),
        "history": (
            ("--history",),
            {
                "type": location,
                "metavar": "PLACE",
                "help": ("earlier result.json files of the same tenants, or a store, for the trends in reports, mails"),
            },
        ),
        "store": (
            ("--store",),
            {
                "type": location,
                "metavar": "PLACE",
                "help": "store tonight's results here: a folder, abfs://, az:// or s3://",
            },
        ),
        "redact": (("--redact",), {"action": "store_true", "help": "pseudonyms for people in every output"}),
        "public": (
            ("--public",),
            {
                "action": "store_true",
                "help": "let other users read new files, as the umask allows (default: owner only)",
            },
        ),
        "quiet": (
            ("-q", "--quiet"),
            {"action": "store_true", "help": "print nothing but errors and what was asked for on stdout"},
        ),
        "verbose": (
            ("-v", "--verbose"),
            {"action": "count", "default": 0, "help": "a bug shows its traceback"},
        ),
        "no_color": (("--no-color",), {"action": "store_true", "help": "no colour"}),
        "file": (("--file",), {"type": Path, "metavar": "FILE"}),
        "print": (("--print",), {"action": "store_true"}),
        "beside": (
            ("--policies",),
            {
                "action": "append",
                "type": Path,
                "default": [],
                "metavar": "POLICY",
                "help": "the policies it belongs to: files or folders (default: the folder of --file)",
            },
        ),
    }
)


def declare(to: argparse._ActionsContainer, *names: str, **text: str) -> None:
    """Declare shared options in that order; `text` replaces the help of those that mean something else here."""
    for name in names:
        words, how = _SHARED[name]
        # A separate list for every parser: appended values stay in it.
        default = {"default": list(how["default"])} if isinstance(how.get("default"), list) else {}
        to.add_argument(*words, **{**how, **default, **({"help": text[name]} if name in text else {})})
