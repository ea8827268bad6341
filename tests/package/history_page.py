"""Writes what the commands of docs/history.md print into the page: `make pages`."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.package.tree import ROOT

PAGE = ROOT / "docs" / "history.md"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
_LINES = 24
"""Lines of the output of one command that the page shows."""


def written() -> str:
    """Return the page with the present output of its commands, run in order in one empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        return BLOCK.sub(lambda block: "".join(_run(block[0], Path(folder))), PAGE.read_text(encoding="utf-8"))


def _run(block: str, folder: Path) -> Iterator[str]:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", "LC_ALL": "C"}
    for line in block.splitlines():
        if not line.startswith("$ "):
            continue
        program, *arguments = line.removeprefix("$ ").split()
        command = [sys.executable, *(["-m", "auditor"] if program == "auditor" else []), *arguments]
        ran = subprocess.run(
            command,
            cwd=folder,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
        output = [shown.rstrip() for shown in ran.stdout.decode().splitlines()]
        yield f"{line}\n"
        yield from (f"{shown}\n" for shown in output[:_LINES])
        if len(output) > _LINES:
            yield "…\n"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8", newline="\n")
