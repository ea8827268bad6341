"""The packaged guidance articles, and the addresses that they may contain."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from auditor.guidance import Composed, Library, Variant, compose, open_library
from tests.guidance.validation import validate

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "reports" / "guidance"


def texts() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml"))}


@cache
def packaged() -> Library:
    return readable(texts())


def readable(files: Mapping[str, str]) -> Library:
    """Return the library of these files. Raises InputError, with file and line, if an article cannot be read."""
    library = open_library(files, files.__getitem__)
    try:
        tuple(library.articles.values())
    except (KeyError, msgspec.ValidationError):
        validate(files)
        raise
    return library


@cache
def known_links() -> dict[str, Any]:
    """Return the addresses that Microsoft documents, by kind."""
    return dict(yaml.safe_load(Path(__file__).with_name("known_links.yaml").read_text(encoding="utf-8")))


def composed(article: str, variant: Variant) -> Composed:
    """Return an article of the library for a variant."""
    return compose(packaged(), article, variant)
