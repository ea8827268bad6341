"""Checks the schema of a saved JSON document, such as `auditor/plan/v1`."""

import re
from typing import Any

from msgspec import Struct

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message


class Refusal(Struct, frozen=True, kw_only=True):
    """The slug and the hint of the error about a document that cannot be read."""

    slug: str
    hint: Message


def check_schema(document: Any, schema: str, where: str, *, foreign: Refusal, other_version: Refusal) -> None:
    """Check that a document has a schema; `where` is its name in errors.

    Raises SnapshotError as `other_version` describes if only the version of the schema differs, else as `foreign` does.
    """
    found = document.get("schema") if isinstance(document, dict) else None
    if found == schema:
        return
    if isinstance(found, str) and re.fullmatch(rf"{schema.rpartition('/')[0]}/v\d{{1,6}}", found):
        slug, hint = other_version.slug, other_version.hint
        message = Message(
            "{where} has the schema '{found}'; this version reads '{schema}'", where=where, found=found, schema=schema
        )
        raise SnapshotError(slug, message, hint=hint)
    slug, hint = foreign.slug, foreign.hint
    raise SnapshotError(
        slug, Message("{where} does not have the schema '{schema}'", where=where, schema=schema), hint=hint
    )
