"""Turns the action and the workflows into what GitHub's own language service says about them.

It needs Node and its packages (`npm ci --ignore-scripts --prefix .github/language-service`). Where they are not there,
nothing is checked, and that is said.
"""

import shutil
import subprocess
import sys

from tests.package.shell_steps import places
from tests.package.tree import ROOT

PLACE = ROOT / ".github" / "language-service"


def missing() -> str:
    """What is not there; empty when the check can run."""
    if shutil.which("node") is None:
        return "Node"
    if not (PLACE / "node_modules" / "@actions" / "languageservice").is_dir():
        return f"its packages (npm ci --ignore-scripts --prefix {PLACE.relative_to(ROOT)})"
    return ""


def main() -> int:
    """Run the service over every file; 1 when it has something to say."""
    if lacking := missing():
        sys.stderr.write(f"language service: NOT RUN, there is no {lacking}\n")
        return 0
    return subprocess.run(["node", PLACE / "check.js", *places()], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
