"""Options, environment variables, and what is written to stdout and stderr."""

import json
from pathlib import Path

import pytest

from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, Ran, call
from tests.builders.tenant.tenants import bought, sku_id, tenant, user

E5 = sku_id("SPE_E5")
POLICY = "version: 1\npolicies:\n  - {id: a, severity: high, assignments: {deny: [SPE_E5]}}\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "p.yaml").write_text(POLICY)
    write(tmp_path / "snapshots", tenant(user("ann", "SPE_E5"), subscribedSkus=[bought("SPE_E5", 5, 1)]))
    return tmp_path


def audit(workspace: Path, *arguments: str, **environment: str) -> Ran:
    return call(
        "audit", "p.yaml", "--snapshot", "snapshots", "--as-of", AS_OF, *arguments, cwd=workspace, **environment
    )


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_terminal_format_can_be_written_to_a_path(quiet: tuple[str, ...], workspace: Path) -> None:
    assert audit(workspace, "-f", "terminal=sub/summary.txt", *quiet).code == 1
    summary = (workspace / "sub" / "summary.txt").read_text()
    assert summary.startswith("1 open finding")
    assert "\x1b" not in summary
    assert "summary.txt" not in summary


def test_terminal_and_another_format_with_the_same_path_are_an_error(workspace: Path) -> None:
    completed = audit(workspace, "-f", "terminal=a.txt", "-f", "markdown=a.txt")
    assert (completed.code, "two outputs" in completed.err) == (2, True)


def test_summary_goes_to_stderr_if_data_goes_to_stdout(workspace: Path) -> None:
    completed = audit(workspace, "-f", "json=-", "-f", "terminal")
    assert json.loads(completed.out)["schema"] == "auditor/result/v1"
    assert "1 open finding" in completed.err


@pytest.mark.parametrize(
    "name",
    [
        *(f"AUDITOR_{name}" for name in ("TENANT", "COMPARE", "SNAPSHOT", "OUTPUT", "FORMAT", "FAIL_ON", "LOCALE")),
        *("AUDITOR_SHARD", "AUDITOR_REDACT", "AUDITOR_AS_OF", "SOURCE_DATE_EPOCH"),
    ],
)
def test_empty_environment_variable_is_ignored(name: str, workspace: Path) -> None:
    completed = audit(workspace, "-q", **{name: ""})
    assert (completed.code, completed.err) == (1, "")
    assert (workspace / "out" / "result.json").exists()


def test_annotation_of_a_policy_without_a_title_shows_its_id(workspace: Path) -> None:
    completed = audit(workspace, "-f", "json", GITHUB_ACTIONS="true")
    assert "title=a (high)::1 open finding of a" in completed.text


@pytest.mark.parametrize("sku_id", [E5, E5.upper()])
def test_two_prices_of_one_sku_by_name_and_id_are_an_error(sku_id: str, workspace: Path) -> None:
    (workspace / "p.yaml").write_text(
        f"{POLICY}prices: {{currency: EUR, perSeatPerMonth: {{SPE_E5: 1, {sku_id}: 2}}}}\n"
    )
    for completed in (audit(workspace), call("validate", "p.yaml", cwd=workspace)):
        assert completed.code == 2
        assert "p.yaml:4:54: error[prices-duplicate]" in completed.err


def test_prices_of_two_skus_by_name_and_id_are_accepted(workspace: Path) -> None:
    (workspace / "p.yaml").write_text(f"{POLICY}prices: {{currency: EUR, perSeatPerMonth: {{SPE_E3: 1, {E5}: 2}}}}\n")
    assert audit(workspace, "-q").code == 1
