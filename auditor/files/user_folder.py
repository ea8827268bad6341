"""Finds the user's home folder, and the folders of the XDG Base Directory Specification."""

import os
from collections.abc import Mapping
from pathlib import Path


def home_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the user's home folder; None if there is none, as for a user of a container without an account."""
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 (expanduser of Path raises without a home)
    return Path(home) if Path(home).is_absolute() else None


def user_folder(environ: Mapping[str, str], variable: str, *default: str) -> Path | None:
    """Return the folder that `variable` names, else the folder `default` in the home folder; None without a home.

    The specification ignores a path that is not absolute.
    """
    folder = Path(environ.get(variable, ""))
    if folder.is_absolute():
        return folder
    home = home_folder(environ)
    return None if home is None else home.joinpath(*default)
