"""The packaged guidance articles."""

from functools import cache
from pathlib import Path

from auditor.guidance import Library, open_library

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "reports" / "guidance"


def texts() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml"))}


@cache
def packaged() -> Library:
    files = texts()
    return open_library(files, files.__getitem__)
