"""The policies of docs/growing-policies.md are valid, and do what the page says."""

import re
from pathlib import Path

import pytest

from auditor import __version__
from auditor.app.policy_files import library_files, load_policies
from auditor.policy.documents import digest_of
from auditor.policy.yaml.reader import parse
from tests.builders.service.command_line import call
from tests.package.tree import ROOT

BLOCKS = re.findall(
    r"```yaml\n(.*?)```\n", (ROOT / "docs" / "growing-policies.md").read_text(encoding="utf-8"), re.DOTALL
)
DIGEST = digest_of(parse(body, file=name) for name, body in library_files())


@pytest.mark.parametrize("block", BLOCKS)
def test_every_policy_file_of_the_page_is_valid(block: str, tmp_path: Path) -> None:
    text = re.sub(r"starter@\S+", f"starter@{__version__}", re.sub(r"sha256:[0-9a-f]{64}", DIGEST, block))
    (tmp_path / "p.yaml").write_text(text)
    ran = call("validate", "--strict", "p.yaml", cwd=tmp_path)
    assert (ran.code, "valid" in ran.err) == (0, True), ran.err


def test_the_first_one_does_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(re.sub(r"sha256:[0-9a-f]{64}", DIGEST, BLOCKS[0]).replace("0.2.0", __version__))
    loaded = load_policies([tmp_path / "p.yaml"])
    known = {policy.id: policy for policy in loaded.policies.policies}
    assert "inactive-90d" not in known
    assert known["seats-idle"].spec["seats"] == {"of": "paid", "spare": {"max": "15%"}}
    assert known["contractors-no-visio"].span.file.endswith("p.yaml")
    assert loaded.policies.definitions["populations"]["service-accounts"] == {"extensionAttribute1": "service"}
