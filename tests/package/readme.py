"""Writes the output of `auditor --help` into README.md: `make readme`."""

import os
import re
import subprocess
import sys

from tests.package.tree import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=```text\n).*?(?=```)", re.DOTALL)


def usage() -> str:
    """Return what `auditor --help` prints on a terminal of eighty columns."""
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    ran = subprocess.run(
        [sys.executable, "-m", "auditor", "--help"], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    return ran.stdout.decode().replace("\r\n", "\n")


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(BLOCK.sub(lambda _: usage(), text, count=1), encoding="utf-8", newline="\n")
