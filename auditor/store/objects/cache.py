"""Finds the folder for local copies of the objects of remote stores."""

import os
from pathlib import Path

from auditor.files.user_folder import user_folder


def cache_folder() -> Path | None:
    """Return the cache folder: AUDITOR_CACHE (None if it is `off`), else the user's cache folder, if there is one."""
    setting = os.environ.get("AUDITOR_CACHE")
    if setting:
        return None if setting == "off" else Path(setting)
    variable = "LOCALAPPDATA" if os.name == "nt" and not os.environ.get("XDG_CACHE_HOME") else "XDG_CACHE_HOME"
    folder = user_folder(os.environ, variable, ".cache")
    return None if folder is None else folder / "auditor"
