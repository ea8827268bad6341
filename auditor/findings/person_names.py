"""The names by which reports mention the people of findings."""

from collections.abc import Sequence
from heapq import nsmallest
from typing import Final

from auditor.domain.result.finding import Finding

NAMED: Final = 12
"""People whom a concern names."""
_TRIED: Final = 200
"""People among whom the first names are looked for in full."""


def person_label(finding: Finding) -> str:
    """Return the name of the person of a finding, with the address where that differs."""
    principal, name = finding.evidence.get("userPrincipalName"), finding.subject.name
    return f"{name} ({principal})" if principal and principal != name else name


def first_names(findings: Sequence[Finding]) -> list[str]:
    """Return the first NAMED labels, in alphabetical order, of the people whom findings are about."""
    few = nsmallest(NAMED, map(person_label, findings[:_TRIED]))
    if len(findings) > _TRIED:
        # A label begins with the name, so whoever's name comes after the last of a few need not be labelled.
        last = few[-1]
        few = nsmallest(NAMED, few + [person_label(each) for each in findings[_TRIED:] if each.subject.name <= last])
    return few
