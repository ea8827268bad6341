"""The packaged guidance articles and their schema, read by the program's own reader."""

from functools import cache
from pathlib import Path

from auditor.guidance import Library, read_library

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "reports" / "guidance"


def texts() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml"))}


def schema() -> str:
    return (ROOT / "auditor" / "schemas" / "guidance.v1.json").read_text(encoding="utf-8")


@cache
def packaged() -> Library:
    return read_library(texts(), schema())
