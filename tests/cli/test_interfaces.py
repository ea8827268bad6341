"""Interfaces, sentence by sentence: options, the environment, and what stands on stdout and what on stderr."""

import json
from pathlib import Path

import pytest

from tests.builders.service.command_line import AS_OF, Ran, call
from tests.builders.tenant.small_tenant import E5, Tenant, path, sku

POLICY = "version: 1\npolicies:\n  - {id: a, severity: high, assignments: {deny: [SPE_E5]}}\n"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "p.yaml").write_text(POLICY)
    Tenant(users=[{"id": "u1", "licences": [path(E5)]}], products=[sku(E5, 5, 1)]).write(tmp_path / "snapshots")
    return tmp_path


def audit(here: Path, *arguments: str, **environment: str) -> Ran:
    return call("audit", "p.yaml", "--snapshot", "snapshots", "--as-of", AS_OF, *arguments, cwd=here, **environment)


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_every_format_takes_a_path(quiet: tuple[str, ...], here: Path) -> None:
    assert audit(here, "-f", "terminal=sub/summary.txt", *quiet).code == 1
    summary = (here / "sub" / "summary.txt").read_text()
    assert summary.startswith("1 open finding")
    assert "\x1b" not in summary
    assert "summary.txt" not in summary


def test_a_path_is_not_written_twice_by_the_terminals_either(here: Path) -> None:
    ran = audit(here, "-f", "terminal=a.txt", "-f", "markdown=a.txt")
    assert (ran.code, "two outputs" in ran.err) == (2, True)


def test_data_on_stdout_and_words_on_stderr(here: Path) -> None:
    ran = audit(here, "-f", "json=-", "-f", "terminal")
    assert json.loads(ran.out)["schema"] == "auditor/result/v1"
    assert "1 open finding" in ran.err


@pytest.mark.parametrize(
    "name",
    [
        *(f"AUDITOR_{name}" for name in ("TENANT", "COMPARE", "SNAPSHOT", "OUTPUT", "FORMAT", "FAIL_ON", "LOCALE")),
        *("AUDITOR_SHARD", "AUDITOR_REDACT", "AUDITOR_AS_OF", "SOURCE_DATE_EPOCH"),
    ],
)
def test_an_empty_variable_is_none(name: str, here: Path) -> None:
    ran = audit(here, "-q", **{name: ""})
    assert (ran.code, ran.err) == (1, "")
    assert (here / "out" / "result.json").exists()


def test_an_annotation_without_a_title_bears_the_policys_id(here: Path) -> None:
    ran = audit(here, "-f", "json", GITHUB_ACTIONS="true")
    assert "title=a (high)::1 open finding of a" in ran.text


@pytest.mark.parametrize("by", [E5, E5.upper()])
def test_a_sku_priced_twice_is_an_error_by_id_and_by_name_too(by: str, here: Path) -> None:
    (here / "p.yaml").write_text(f"{POLICY}prices: {{currency: EUR, perSeatPerMonth: {{SPE_E5: 1, {by}: 2}}}}\n")
    for ran in (audit(here), call("validate", "p.yaml", cwd=here)):
        assert ran.code == 2
        assert "p.yaml:4:54: error[prices-duplicate]" in ran.err


def test_prices_of_two_skus_are_no_price_twice(here: Path) -> None:
    (here / "p.yaml").write_text(f"{POLICY}prices: {{currency: EUR, perSeatPerMonth: {{SPE_E3: 1, {E5}: 2}}}}\n")
    assert audit(here, "-q").code == 1
