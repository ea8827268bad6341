"""Tests of the program, and the checks of the project."""

import sys

# jsonschema builds a grammar from it for a second and a half, for a format that none of our schemas has.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
