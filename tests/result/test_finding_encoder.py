"""Findings encoded from columns have the same bytes as findings encoded one by one."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Finding, ProductReference, Subject
from auditor.findings.table import FindingTable
from auditor.result.codec.encoder import document, document_parts
from tests.builders.result.results import result

SPECIAL_TEXTS = st.sampled_from(["", 'say "x"', "a\\b", "a\nb", "\x00", "\x7f", "é\x85", "\ud800", "日本", " x", "{}"])
PATHS = st.lists(
    st.dictionaries(st.sampled_from(["state", "assignedByGroup"]), st.none() | SPECIAL_TEXTS, max_size=2), max_size=2
)
EVIDENCE = st.fixed_dictionaries(
    {},
    optional={
        "a": SPECIAL_TEXTS | st.none() | st.just(2**70) | st.floats(0, 9),
        "b": st.lists(SPECIAL_TEXTS, max_size=2),
        "paths": PATHS,
    },
)
FINDING = st.builds(
    replace,
    st.sampled_from(list(result().tenants[0].findings)),
    detail=st.none() | SPECIAL_TEXTS,
    evidence=EVIDENCE.map(lambda facts: dict(sorted(facts.items()))),
    subject=st.builds(Subject, type=st.sampled_from(SubjectType), id=SPECIAL_TEXTS, name=SPECIAL_TEXTS),
    product=st.none()
    | st.builds(ProductReference, sku_id=st.none() | SPECIAL_TEXTS, sku_part_number=st.none() | SPECIAL_TEXTS),
)


def encoded(findings: Sequence[Finding]) -> bytes:
    """The findings encoded within a document, in which lists of more than a hundred are encoded from columns."""
    parts = document_parts({"tenants": [{"findings": FindingTable.of(findings)}]})
    return b"".join(piece for _, pieces in parts for piece in pieces)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.lists(FINDING, min_size=1, max_size=4))
def test_long_list_of_findings_is_encoded_as_one_by_one(drawn: list[Finding]) -> None:
    findings = drawn * 120
    expected: dict[str, Any] = {"tenants": [{"findings": findings}]}
    assert encoded(findings) == document(expected)
