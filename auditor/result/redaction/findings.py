"""Replaces users in findings: in tables by column, each distinct value once."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
from msgspec.structs import replace

from auditor.arrays.texts import texts, values_of
from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Finding
from auditor.findings.columns import CODED, decode, encode, json_text, json_value, replaced
from auditor.findings.table import sorted_by_subject
from auditor.result.redaction.people import PERSONAL, UserPseudonyms, with_texts

_GIGABYTE: Final = 2**30
"""Mailbox sizes are rounded down to gigabytes in a redacted result: the exact size would identify a user."""
_GROUP_NAME: Final = "groupName"
"""The key of a group's name in evidence."""
_READ: Final = ("subjectType", "subjectId", "subjectName", "evidence", "paths", "fingerprint")
_CHANGED: Final = ("subjectId", "subjectName", "evidence", "principal", "lastSignIn", "facts")
"""The columns that depend on the subject and evidence of a finding, besides its paths."""


def redacted_findings(findings: Iterable[Finding], people: UserPseudonyms) -> tuple[Finding, ...]:
    """Replace users in findings, and sort those of the same policy and check by their pseudonyms."""
    return tuple(decode(redacted_batch(encode(tuple(findings)), people)))


def redacted_batch(batch: pa.RecordBatch, people: UserPseudonyms) -> pa.RecordBatch:
    """Replace users in a record batch of findings, and sort those of the same policy and check by their pseudonyms."""
    kinds, *subjects, evidence, paths, fingerprints = (values_of(batch.column(name)) for name in _READ)
    keys = list(zip(kinds, *subjects, evidence, strict=True))
    row_of = {key: row for row, key in enumerate(keys)}
    without_paths = replaced(batch, "paths", pa.nulls(batch.num_rows, CODED)).take(
        pa.array(row_of.values(), pa.int64())
    )
    distinct = encode([_finding(finding, people) for finding in decode(without_paths)])
    index_of = {key: index for index, key in enumerate(row_of)}
    indices = pa.array([index_of[key] for key in keys], pa.int64())
    for name in _CHANGED:
        batch = replaced(batch, name, distinct.column(name).take(indices))
    path_of = {key: _paths(*key, people) for key in set(zip(kinds, paths, strict=True))}
    column = texts([path_of[key] for key in zip(kinds, paths, strict=True)])
    batch = replaced(batch, "paths", column.dictionary_encode())
    batch = replaced(batch, "fingerprint", texts(list(map(people.key.fingerprint, fingerprints))))
    return sorted_by_subject(batch)


def _paths(kind: str, paths: str | None, people: UserPseudonyms) -> str | None:
    return None if paths is None else json_text(_evidence(json_value(paths), SubjectType(kind), people))


def _evidence(value: Any, kind: SubjectType, people: UserPseudonyms) -> Any:
    """Replace users in the evidence of a subject.

    The evidence of a group contains names of groups; that of a product contains names of products; that of a user names
    the groups that assign products.
    """
    if kind is not SubjectType.USER:
        return with_texts(value, people.program_text if kind is SubjectType.GROUP else people.ids_in)
    match value:
        case Mapping():
            return {
                key: people.program_text(item)
                if key == _GROUP_NAME and isinstance(item, str)
                else _evidence(item, kind, people)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_evidence(item, kind, people) for item in value]
        case _:
            return with_texts(value, people.evidence_text)


def _finding(finding: Finding, people: UserPseudonyms) -> Finding:
    """Replace the user in the subject and evidence of a finding without paths."""
    subject = people.subject(finding.subject)
    evidence = {
        key: (subject.id if value else value)
        if key in PERSONAL and subject.type is SubjectType.USER
        else _evidence(value, subject.type, people)
        for key, value in finding.evidence.items()
    }
    mailbox = evidence.get("mailboxUsage")
    if isinstance(mailbox, Mapping) and type(mailbox.get("storageUsed")) is int:
        evidence["mailboxUsage"] = {**mailbox, "storageUsed": mailbox["storageUsed"] // _GIGABYTE * _GIGABYTE}
    return replace(finding, subject=subject, evidence=evidence)
