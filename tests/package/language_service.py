"""Checks the action and the workflows with GitHub's language service.

It needs Node and the service's packages (`npm ci --ignore-scripts --prefix .github/language-service`). Without them,
nothing is checked, and a message on stderr says so.
"""

import shutil
import subprocess
import sys

from tests.package.shell_steps import shell_files
from tests.package.tree import ROOT

FOLDER = ROOT / ".github" / "language-service"


def missing() -> str:
    """Return what is missing; empty if the check can run."""
    if shutil.which("node") is None:
        return "Node"
    if not (FOLDER / "node_modules" / "@actions" / "languageservice").is_dir():
        return f"its packages (npm ci --ignore-scripts --prefix {FOLDER.relative_to(ROOT)})"
    return ""


def main() -> int:
    """Check every file; return 1 if there are findings."""
    if lacking := missing():
        sys.stderr.write(f"language service: NOT RUN, there is no {lacking}\n")
        return 0
    return subprocess.run(["node", FOLDER / "check.js", *shell_files()], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
