"""Values that are made in the quick way are those of the class itself."""

from dataclasses import FrozenInstanceError

import pytest

from auditor.domain.making import maker
from auditor.domain.result import Finding, SourceLine, Subject
from auditor.domain.words import Severity, Status, SubjectType


def test_a_value_made_quickly_is_equal_to_one_of_its_class_and_as_frozen() -> None:
    plain = Subject(type=SubjectType.USER, id="1", name="Ann")
    made = maker(Subject)(type=SubjectType.USER, id="1", name="Ann")
    assert type(made) is Subject
    assert made == plain
    assert hash(made) == hash(plain)
    with pytest.raises(FrozenInstanceError):
        made.id = "2"  # type: ignore[misc]


def test_defaults_are_those_of_the_class_and_shared_by_no_two_values() -> None:
    subject, source = Subject(type=SubjectType.USER, id="1", name="Ann"), SourceLine(file="a.yaml", line=1)
    one, other = (
        maker(Finding)(
            fingerprint="f", policy="p", check="c", severity=Severity.LOW, status=Status.OPEN, subject=subject,
            source=source,
        )
        for _ in range(2)
    )  # fmt: skip
    assert one == Finding(
        fingerprint="f", policy="p", check="c", severity=Severity.LOW, status=Status.OPEN, subject=subject,
        source=source,
    )  # fmt: skip
    assert one.evidence is not other.evidence


def test_a_field_that_is_left_out_or_unknown_is_refused() -> None:
    with pytest.raises(TypeError):
        maker(Subject)(type=SubjectType.USER, id="1")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        maker(Subject)(type=SubjectType.USER, id="1", name="Ann", other=1)  # type: ignore[call-arg]
