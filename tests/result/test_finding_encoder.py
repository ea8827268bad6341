"""Findings that are written from columns: the same bytes as one by one."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Finding, ProductReference, Subject
from auditor.findings.table import FindingTable
from auditor.result.codec.encoder import document, pieces
from tests.builders.result.results import result

NASTY = st.sampled_from(["", 'say "x"', "a\\b", "a\nb", "\x00", "\x7f", "é\x85", "\ud800", "日本", " x", "{}"])
PATHS = st.lists(
    st.dictionaries(st.sampled_from(["state", "assignedByGroup"]), st.none() | NASTY, max_size=2), max_size=2
)
EVIDENCE = st.fixed_dictionaries(
    {}, optional={"a": NASTY | st.none() | st.just(2**70) | st.floats(0, 9), "b": st.lists(NASTY, max_size=2), "paths": PATHS}
)  # fmt: skip
FINDING = st.builds(
    replace,
    st.sampled_from(list(result().tenants[0].findings)),
    detail=st.none() | NASTY,
    evidence=EVIDENCE.map(lambda facts: dict(sorted(facts.items()))),
    subject=st.builds(Subject, type=st.sampled_from(SubjectType), id=NASTY, name=NASTY),
    product=st.none() | st.builds(ProductReference, sku_id=st.none() | NASTY, sku_part_number=st.none() | NASTY),
)


def written(findings: Sequence[Finding]) -> bytes:
    """The findings as part of a document, in which lists of more than a hundred are written from columns."""
    return b"".join(pieces({"tenants": [{"findings": FindingTable.of(findings)}]}))


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.lists(FINDING, min_size=1, max_size=4))
def test_a_long_list_of_findings_is_written_as_one_by_one(found: list[Finding]) -> None:
    findings = found * 120
    whole: dict[str, Any] = {"tenants": [{"findings": findings}]}
    assert written(findings) == document(whole)
