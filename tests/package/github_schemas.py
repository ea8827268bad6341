"""Validates workflows, action.yml, Dependabot settings and issue forms against the schemas in check-jsonschema."""

import sys
from pathlib import Path

from check_jsonschema.cli import main as check

from tests.package.tree import ROOT

GITHUB = ROOT / ".github"
FORMS = GITHUB / "ISSUE_TEMPLATE"


def schemas() -> dict[str, list[Path]]:
    """Return schema → the files that must follow it."""
    workflows = sorted((GITHUB / "workflows").glob("*.yml"))
    config = FORMS / "config.yml"
    return {
        "vendor.github-workflows": workflows,
        "custom.github-workflows-require-timeout": workflows,
        "vendor.github-actions": [ROOT / "action.yml"],
        "vendor.dependabot": [GITHUB / "dependabot.yml"],
        "vendor.github-issue-forms": sorted(set(FORMS.glob("*.yml")) - {config}),
        "vendor.github-issue-config": [config],
    }


def main() -> int:
    """Validate every file; return 1 if there are mistakes."""
    results = [
        check(["--builtin-schema", schema, *map(str, files)], standalone_mode=False)
        for schema, files in schemas().items()
    ]
    return 1 if any(results) else 0


if __name__ == "__main__":
    sys.exit(main())
