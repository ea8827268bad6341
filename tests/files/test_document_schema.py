"""Tests that a document with another schema, or another version of it, is an error that says which it is."""

import pytest

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.files.document_schema import Refusal, check_schema

FOREIGN, OTHER_VERSION = (Refusal(slug=slug, hint=Message("fix it")) for slug in ("foreign", "version"))


def check(document: object) -> None:
    check_schema(document, "auditor/plan/v1", "plan.json", foreign=FOREIGN, other_version=OTHER_VERSION)


def test_document_with_the_schema_is_accepted() -> None:
    check({"schema": "auditor/plan/v1"})


@pytest.mark.parametrize(
    ("document", "slug", "message"),
    [
        ({"schema": "auditor/plan/v12"}, "version", "has the schema 'auditor/plan/v12'; this version reads"),
        ({"schema": "auditor/plan/v1x"}, "foreign", "plan.json does not have the schema 'auditor/plan/v1'"),
        ({"schema": "auditor/result/v1"}, "foreign", "does not have"),
        ({"schema": 1}, "foreign", "does not have"),
        ({}, "foreign", "does not have"),
        ([], "foreign", "does not have"),
    ],
)
def test_other_schema_is_an_error(document: object, slug: str, message: str) -> None:
    with pytest.raises(SnapshotError) as caught:
        check(document)
    assert (caught.value.slug, caught.value.hint) == (slug, "fix it")
    assert message in caught.value.message
