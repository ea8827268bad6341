"""The starter library is what is used where nobody names a policy: quickly read, and told apart when it is damaged."""

from pathlib import Path

import pytest

from auditor.app import policy_files
from auditor.app.policy_files import library_files, load_policies
from auditor.domain.errors import InputError
from auditor.policy.loader import load


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_the_library_is_what_reading_its_files_with_every_check_gives() -> None:
    assert load_policies(()).policies == load(library_files()).policies


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "slug"),
    [
        (b"    severity: ", b"    severities: ", "policy-unknown-key"),
        (b"    severity: ", b"    severity: urgent # ", "policy-bad-value"),
        (b"policies:", b"policies: 1\nothers:", "policy-unknown-key"),
        (b"version: 1", b"version: [", "yaml-syntax"),
    ],
)
def test_a_damaged_library_is_reported_with_its_place(
    old: bytes, new: bytes, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name, text), *others = library_files()
    assert old in text
    monkeypatch.setattr(policy_files, "library_files", lambda: [(name, text.replace(old, new, 1)), *others])
    with pytest.raises(InputError) as caught:
        load_policies(())
    assert slug in {fault.slug for fault in caught.value.diagnostics}
    assert {fault.span.file for fault in caught.value.diagnostics if fault.span} == {name}


def test_a_folder_of_ones_own_is_checked_whole() -> None:
    Path("policies").mkdir()
    Path("policies/own.yaml").write_text("version: 1\npolicies:\n  - id: a\n    titel: x\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_policies(())
    assert any("titel" in fault.message for fault in caught.value.diagnostics)
