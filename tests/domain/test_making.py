"""Drafts become values of their class, whole and as frozen as any."""

from dataclasses import FrozenInstanceError, dataclass, fields

import pytest

from auditor.domain.enums import SubjectType
from auditor.domain.making import drafts
from auditor.domain.result import Finding, Subject


def test_a_draft_becomes_a_value_like_any_other() -> None:
    plain, draft = Subject(type=SubjectType.USER, id="1", name="Ann"), drafts(Subject)()
    draft.type, draft.id, draft.name = SubjectType.USER, "1", "Ann"
    draft.__class__ = Subject
    assert draft == plain
    assert hash(draft) == hash(plain)
    with pytest.raises(FrozenInstanceError):
        draft.id = "2"


def test_a_draft_has_the_fields_of_its_class_and_no_other() -> None:
    draft = drafts(Finding)()
    for field in fields(Finding):
        setattr(draft, field.name, field.name)
    with pytest.raises(AttributeError):
        draft.other = 1


def test_a_draft_of_another_class_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Other:
        one: int

    draft = drafts(Subject)()
    with pytest.raises(TypeError):
        draft.__class__ = Other
