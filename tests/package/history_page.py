"""Writes the output of the commands in docs/history.md into that page (part of `make pages`)."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

from auditor.demo.__main__ import main as write_demo
from tests.builders.service.command_line import call
from tests.package.tree import ROOT

PAGE = ROOT / "docs" / "history.md"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
_LINES = 24
"""Maximum number of output lines that the page shows for one command."""


def written() -> str:
    """Return the page with the current output of its commands, run in order in one initially empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        return BLOCK.sub(lambda block: "".join(_run(block[0], Path(folder))), PAGE.read_text(encoding="utf-8"))


def _run(block: str, folder: Path) -> Iterator[str]:
    for line in block.splitlines():
        match line.split():
            case ["$", "auditor", *arguments]:
                completed = call(*arguments, cwd=folder, COLUMNS="100", NO_COLOR="1")
                if completed.code:
                    raise RuntimeError(completed.err)
                output = [text.rstrip() for text in (completed.text + completed.err).splitlines()]
            case ["$", "python", "-m", "auditor.demo", *arguments]:
                with chdir(folder):
                    write_demo(arguments)
                output = []
            case _:
                continue
        yield f"{line}\n"
        yield from (f"{text}\n" for text in output[:_LINES])
        if len(output) > _LINES:
            yield "…\n"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8", newline="\n")
