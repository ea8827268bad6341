"""Writes the output of `auditor --help` into README.md (`make readme`)."""

import os
import re
import subprocess
import sys

from tests.package.tree import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=```text\n).*?(?=```)", re.DOTALL)


def usage() -> str:
    """Return the output of `auditor --help` on a terminal of 80 columns."""
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    completed = subprocess.run(
        [sys.executable, "-m", "auditor", "--help"], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    return completed.stdout.decode().replace("\r\n", "\n")


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(BLOCK.sub(lambda _: usage(), text, count=1), encoding="utf-8", newline="\n")
