"""The starter library is the default: it is loaded without schema validation, and a damaged one is an error."""

from pathlib import Path

import pytest

from auditor.app import policy_files
from auditor.app.policy_files import library_files, load_policies
from auditor.domain.errors import InputError
from auditor.policy.loader import load


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_fast_loading_of_the_library_gives_the_policies_of_checked_loading() -> None:
    assert load_policies(()).policies == load(library_files()).policies


@pytest.mark.slow
@pytest.mark.parametrize(
    ("original", "replacement", "slug"),
    [
        (b"    severity: ", b"    severities: ", "policy-unknown-key"),
        (b"    severity: ", b"    severity: urgent # ", "policy-bad-value"),
        (b"policies:", b"policies: 1\nothers:", "policy-unknown-key"),
        (b"version: 1", b"version: [", "yaml-syntax"),
    ],
)
def test_damaged_library_is_reported_with_its_location(
    original: bytes, replacement: bytes, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name, text), *other_files = library_files()
    assert original in text
    monkeypatch.setattr(
        policy_files, "library_files", lambda: [(name, text.replace(original, replacement, 1)), *other_files]
    )
    with pytest.raises(InputError) as caught:
        load_policies(())
    assert slug in {diagnostic.slug for diagnostic in caught.value.diagnostics}
    assert {diagnostic.span.file for diagnostic in caught.value.diagnostics if diagnostic.span} == {name}


def test_policies_folder_is_checked_completely() -> None:
    Path("policies").mkdir()
    Path("policies/own.yaml").write_text("version: 1\npolicies:\n  - id: a\n    titel: x\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_policies(())
    assert any("titel" in diagnostic.message for diagnostic in caught.value.diagnostics)
