"""Writes a CycloneDX 1.5 bill of materials of the installed packages to stdout."""

import json
import sys
from importlib.metadata import distributions, version
from typing import Any

NAME = "m365-license-auditor"


def component(name: str, number: str, kind: str) -> dict[str, Any]:
    """Return a package as a CycloneDX component."""
    return {
        "type": kind,
        "name": name,
        "version": number,
        "purl": f"pkg:pypi/{name}@{number}",
        "bom-ref": f"{name}@{number}",
    }


def main() -> int:
    """Write the document; equal installations give equal bytes."""
    found = {item.metadata["Name"].lower().replace("_", "-"): item.version for item in distributions()}
    parts = [component(name, found[name], "library") for name in sorted(found) if name not in {NAME, "pip"}]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(NAME, version(NAME), "application")},
        "components": parts,
    }
    sys.stdout.write(json.dumps(bill, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
