"""The names of the people of findings in reports; unlike display_names, it imports no check and so no NumPy."""

from collections.abc import Sequence
from heapq import nsmallest
from typing import Final

from auditor.domain.result.finding import Finding

NAMED: Final = 12
"""The maximum number of people that an action names."""
_LABELLED: Final = 200
"""Number of people whose labels are all built; later people are filtered by name first."""


def person_label(finding: Finding) -> str:
    """Return the name of the person of a finding, with the address if it differs."""
    principal, name = finding.evidence.get("userPrincipalName"), finding.subject.name
    return f"{name} ({principal})" if principal and principal != name else name


def first_labels(findings: Sequence[Finding]) -> list[str]:
    """Return the first NAMED labels, in alphabetical order, of the people of findings."""
    labels = nsmallest(NAMED, map(person_label, findings[:_LABELLED]))
    if len(findings) > _LABELLED:
        # A label begins with the name, so that people whose name sorts after the last label need no label.
        last = labels[-1]
        candidates = [finding for finding in findings[_LABELLED:] if finding.subject.name <= last]
        labels = nsmallest(NAMED, labels + [person_label(finding) for finding in candidates])
    return labels
