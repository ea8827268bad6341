"""The policies of docs/growing-policies.md are valid, and have the effect that the page describes."""

import re
from pathlib import Path

import pytest

from auditor.app.policy_files import load_policies
from tests.builders.service.command_line import AS_OF, call
from tests.package.docs_pages import pinned
from tests.package.tree import ROOT

PAGE = (ROOT / "docs" / "growing-policies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```\n", PAGE, re.DOTALL)


def test_page_names_the_packaged_library() -> None:
    assert pinned(PAGE) == PAGE, "make pages"
    assert pinned("from: starter@0.0.1\n  digest: sha256:0\n") != "from: starter@0.0.1\n  digest: sha256:0\n"


@pytest.mark.parametrize("block", BLOCKS)
def test_every_policy_file_of_the_page_is_valid(block: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(block)
    completed = call("validate", "--strict", "--as-of", AS_OF, "p.yaml", cwd=tmp_path)
    assert (completed.code, "valid" in completed.err) == (0, True), completed.err


def test_first_policy_file_has_the_described_effect(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKS[0])
    loaded = load_policies([tmp_path / "p.yaml"])
    policies = {policy.id: policy for policy in loaded.policies.policies}
    assert "inactive-90d" not in policies
    assert policies["seats-idle"].spec["seats"] == {"of": "paid", "spare": {"max": "15%"}}
    assert policies["contractors-no-visio"].span.file.endswith("p.yaml")
    assert loaded.policies.definitions["populations"]["service-accounts"] == {"extensionAttribute1": "service"}
