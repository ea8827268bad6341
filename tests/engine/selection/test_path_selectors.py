"""Selectors of section 2 of the policy language, version 1.1, that look at assignments and their paths."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.builders.tenant.small_tenant import ASKED, E5, FLOW, path, who

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STEP = timedelta(microseconds=1)


def selected(
    folder: Path, cases: Sequence[tuple[str, str]], *users: Mapping[str, Any], **more: Any
) -> list[tuple[str, str]]:
    """Return the selectors of some cases with who is in them, from one audit."""
    found = who(folder, {f"p{number}": selector for number, (selector, _) in enumerate(cases)}, *users, **more)
    return [(selector, found[f"p{number}"]) for number, (selector, _) in enumerate(cases)]


PATHS = (
    # a SKU whose active paths all last changed at least that long before the audit's instant
    ("{heldFor: {of: [SPE_E5], atLeast: 30d}}", "edge group old other ?"),
    ("{heldFor: {of: [FLOW_FREE], atLeast: 30d}}", "other"),
    ("{heldFor: {atLeast: 30d}}", "edge group old other ?"),
    ("{heldFor: {of: [SPE_E5], atLeast: 31d}}", "group old ?"),
    ("{not: {heldFor: {of: [SPE_E5], atLeast: 30d}}}", "error lost new one-new ?"),
    ("{heldFor: {of: [SPE_E5], atLeast: 30d}, id: one-new}", ""),
    # has an active path of that kind for any SKU
    ("{licensedVia: group}", "group one-new"),
    ("{licensedVia: direct}", "edge new old one-new other undated"),
    ("{not: {licensedVia: direct}}", "error group lost"),
)


def test_paths_and_since_when(tmp_path: Path) -> None:
    edge, old = NOW - timedelta(days=30), NOW - timedelta(days=400)
    users = (
        {"id": "edge", "licences": [path(E5, lastUpdatedDateTime=edge)]},
        {"id": "new", "licences": [path(E5, lastUpdatedDateTime=edge + STEP)]},
        {"id": "old", "licences": [path(E5, lastUpdatedDateTime=old), path(FLOW, lastUpdatedDateTime=NOW)]},
        {"id": "group", "licences": [path(E5, "G-1", lastUpdatedDateTime=old, state="ActiveWithError")]},
        {
            "id": "one-new",
            "licences": [path(E5, lastUpdatedDateTime=old), path(E5, "G-1", lastUpdatedDateTime=NOW)],
        },
        {"id": "undated", "licences": [path(E5, lastUpdatedDateTime=old), path(E5)]},
        {"id": "error", "licences": [path(E5, lastUpdatedDateTime=old, state="Error")]},
        {"id": "lost", "licences": [path(E5, held=False, lastUpdatedDateTime=old, state="Error")]},
        {
            "id": "other",
            "licences": [
                path(E5, lastUpdatedDateTime=edge),
                path(E5, "G-1", lastUpdatedDateTime=NOW, state="Disabled"),
                path(FLOW, lastUpdatedDateTime=old),
            ],
        },
    )
    assert selected(tmp_path, PATHS, *users) == list(PATHS)


WITHOUT_PATHS = (
    ("{heldFor: {of: [SPE_E5], atLeast: 30d}}", " ?"),
    ("{heldFor: {of: [FLOW_FREE], atLeast: 30d}}", ""),
    ("{licensedVia: direct}", " ?"),
    ("{licensedVia: direct, licensed: false}", ""),
    ("{not: {licensedVia: group}}", "none ?"),
)


def test_where_paths_were_not_read_people_without_licences_have_none(tmp_path: Path) -> None:
    users = ({"id": "none"}, {"id": "some", "licences": [path(E5, state=None)]})
    asked = [name for name in ASKED if name != "licenseAssignmentStates"]
    assert selected(tmp_path, WITHOUT_PATHS, *users, asked=asked) == list(WITHOUT_PATHS)
