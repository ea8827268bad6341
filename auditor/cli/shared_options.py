"""Declares the options that several commands share."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from auditor.cli.options import fail_on, instant, location


def _option(*names: str, **settings: Any) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    return names, settings


_SHARED: Final = MappingProxyType(
    {
        "policies": _option(
            "policies",
            nargs="*",
            default=[],
            type=Path,
            metavar="POLICY",
            help="files or folders (default: policies/, else the starter library)",
        ),
        "demo": _option("--demo", action="store_true", help="the tenants that ship with the program"),
        "snapshot": _option(
            "--snapshot",
            action="append",
            type=location,
            default=[],
            metavar="LOCATION",
            help="a saved snapshot, a folder of them, or a store (repeatable)",
        ),
        "tenant": _option(
            "--tenant", action="append", default=[], metavar="NAME", help="only this tenant (repeatable)"
        ),
        "as_of": _option("--as-of", type=instant, metavar="RFC3339"),
        "output": _option("-o", "--output", type=Path, metavar="DIR", help="where reports go (default: out/)"),
        "format": _option("-f", "--format", action="append", default=[], metavar="FORMAT[=PATH]"),
        "csv_bom": _option(
            "--csv-bom", action="store_true", help="write a byte order mark so that Excel detects UTF-8"
        ),
        "locale": _option("--locale", metavar="TAG"),
        "fail_on": _option(
            "--fail-on",
            type=fail_on,
            default=argparse.SUPPRESS,
            metavar="SEVERITY",
            help="exit 1 from this severity on, or never; new:SEVERITY counts only what is new (default: high)",
        ),
        "history": _option(
            "--history",
            type=location,
            metavar="LOCATION",
            help="earlier result.json files of the same tenants, or a store, for the trends in reports, mails",
        ),
        "store": _option(
            "--store",
            type=location,
            metavar="LOCATION",
            help="store tonight's results here: a folder, abfs://, az:// or s3://",
        ),
        "redact": _option("--redact", action="store_true", help="pseudonyms for people in every output"),
        "public": _option(
            "--public",
            action="store_true",
            help="let other users read new files, as the umask allows (default: owner only)",
        ),
        "quiet": _option(
            "-q", "--quiet", action="store_true", help="print nothing but errors and what was asked for on stdout"
        ),
        "verbose": _option("-v", "--verbose", action="count", default=0, help="a bug shows its traceback"),
        "no_color": _option("--no-color", action="store_true", help="no colour"),
        "file": _option("--file", type=Path, metavar="FILE"),
        "print": _option("--print", action="store_true"),
        "beside": _option(
            "--policies",
            action="append",
            type=Path,
            default=[],
            metavar="POLICY",
            help="the policies it belongs to: files or folders (default: the folder of --file)",
        ),
    }
)


def declare(to: argparse._ActionsContainer, *names: str, **text: str) -> None:
    """Declare shared options in that order; `text` replaces the help of those that mean something else here."""
    for name in names:
        options, settings = _SHARED[name]
        # A separate list for every parser: appended values stay in it.
        default = {"default": list(settings["default"])} if isinstance(settings.get("default"), list) else {}
        to.add_argument(*options, **{**settings, **default, **({"help": text[name]} if name in text else {})})
