"""`auditor explain` for checks, articles, policies, products, keys, definitions of policy files, and findings."""

import json
import re
from pathlib import Path

import pytest

from auditor.app.audit.remediation import packaged_library
from auditor.checks.registry import all_checks, articles_of, check_of
from auditor.cli.main import run
from auditor.guidance import ERRORS, Situation
from auditor.policy.schema.check import fits
from auditor.policy.schema.keys import keys_named, written_keys
from auditor.remedy.actions.guidance.article_markdown import routes
from tests.builders.service.command_line import ROOT

CHECKS = [check.id for check in all_checks()]


def explain(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["explain", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("check", CHECKS)
def test_explain_check(check: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = explain(capsys, check)
    assert check_of(check).explanation in text
    library = packaged_library()
    assert library.articles[articles_of(check, Situation())[0]].title in text
    articles = re.findall(r"`auditor explain ([^`]+)`", text)
    assert articles
    assert library.articles.keys() >= set(articles), "each command names an article"
    assert "](" not in text, "no link to a file of the documentation"
    assert "\n|" not in text, "a table does not fit a terminal"


def test_routes_list_only_what_differs_from_the_usual_articles() -> None:
    usual, *other_routes = routes(check_of("assignment.denied"))
    assert usual == ("", articles_of("assignment.denied", Situation()))
    assert all(articles != usual[1] for _, articles in other_routes)
    assert ("The account is blocked", ("former-employee", "unassign-licenses")) in other_routes


@pytest.mark.parametrize("article", sorted(packaged_library().articles))
def test_explain_article(article: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = explain(capsys, article)
    assert text.startswith(f"# {packaged_library().articles[article].title}\n")
    assert "\n## Steps\n" in text


@pytest.mark.parametrize("code", [*ERRORS, "DependencyViolation@df9dec28-e5c1-534e-ab8d-235115449053"])
def test_explain_error_code_of_an_assignment(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(capsys, code).splitlines()[0].endswith(f"({code.partition('@')[0]})")


def test_explain_article_for_one_agreement_omits_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    text = explain(capsys, "remove-licenses", "--agreement", "mca")
    assert "product key" in text
    assert "(MOSA)" not in text
    assert "The agreement of this tenant is not known" not in text


@pytest.mark.slow
def test_explain_policy_and_product(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "version: 1\npolicies: [{id: idle, title: No <idle> seats, severity: low, seats: {spare: {max: 1}}}]\n"
    )
    text = explain(capsys, "idle", str(rules))
    assert text.startswith(r"# idle: No \<idle\> seats")
    assert "rules.yaml:2" in text
    assert "EXCHANGE_S_ENTERPRISE" in explain(capsys, "spe_e3")
    assert "Microsoft 365 E3" in explain(capsys, "05e9a617-0261-4cee-bb44-138d3ef5d965")


@pytest.mark.slow
def test_explain_every_key_of_policy_and_tenants_files(capsys: pytest.CaptureFixture[str]) -> None:
    for key in written_keys():
        assert key.description, key.dotted
        assert any(match.path == key.path for match in keys_named(key.dotted)), key.dotted
    for selector in ("inactiveIn", "heldFor", "hasRole", "coveredBy", "managedDevice", "mailboxUsage", "appsUnused"):
        text = explain(capsys, selector)
        assert f"\n{selector}: " in text  # an example
        assert ("- Permissions: " in text) is (selector != "heldFor")  # licences of users are always read
    assert "Reports.Read.All" in explain(capsys, "inactivein")
    assert "`tenants.credential.clientId` (tenants.yaml)" in explain(capsys, "clientId")
    assert "`policies.seats.covers`" in explain(capsys, "seats.covers")
    text_of_all_keys = explain(capsys, "of")
    assert "## `policies.seats.of`" in text_of_all_keys
    assert "## `policies.users.heldFor.of`" in text_of_all_keys


def test_examples_of_selectors_are_valid() -> None:
    for key in written_keys():
        if key.path[:-1] != ("policies", "users") or key.path[-1] in {"signal", "population"}:
            continue
        for example in key.examples:
            rule = {
                "id": "x",
                "severity": "low",
                "users": {key.path[-1]: example},
                "assignments": {"duplicates": "deny"},
            }
            assert fits({"version": 1, "policies": [rule]}, "policy"), key.dotted


@pytest.mark.slow
def test_explain_contracts_populations_and_product_sets(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "version: 1\npopulations: {crew: {department: Ship}}\nproducts: {big: [SPE_E5]}\n"
        "contracts: [{id: EA-1, products: [big], term: P1Y, ends: 2027-03-31, renews: by-decision}]\n"
        "policies: [{id: idle, severity: low, seats: {spare: {max: 1}}}]\n"
    )
    assert "ends: '2027-03-31'" in explain(capsys, "EA-1", str(rules))
    assert explain(capsys, "crew", str(rules)).startswith("# Population: `crew`\n")
    assert explain(capsys, "big", str(rules)).startswith("# Product set: `big`\n")
    assert run(["explain", "EA-2", str(rules)]) == 2
    assert "did you mean EA-1?" in capsys.readouterr().err
    assert run(["explain", "inactivIn", str(rules)]) == 2
    assert "inactiveIn" in capsys.readouterr().err


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("result")
    run(["audit", "--demo", "-q", "-f", "json", "-o", str(folder), "--as-of", "2026-11-20T02:17:00Z"])
    return folder / "result.json"


@pytest.mark.slow
def test_explain_findings_of_every_check_in_the_demo_tenants(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(result.read_text(encoding="utf-8"))
    checks: set[str] = set()
    for finding in [f for tenant in document["tenants"] for f in tenant["findings"]] + document["fleet"]["findings"]:
        if finding["check"] in checks:
            continue
        checks.add(finding["check"])
        text = explain(capsys, finding["fingerprint"][:12], "--result", str(result))
        assert finding["fingerprint"] in text
        assert check_of(finding["check"]).explanation in text
        assert "\n1. " in text
    assert checks == set(CHECKS), "add a case to auditor/demo"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "name", "product"),
    [
        ("conditional-access-p1", "Microsoft Entra ID P1", "entra-p1"),
        ("contoso-store-f3", "Microsoft 365 F3", "SPE_F1"),
        ("suite-and-part", "Exchange Online (Plan 1) + Microsoft 365 E3", "EXCHANGESTANDARD+SPE_E3"),
    ],
)
def test_explain_finding_shows_product_names_as_in_reports(
    policy: str, name: str, product: str, result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(result.read_text(encoding="utf-8"))
    findings = [finding for finding in document["tenants"][0]["findings"] if finding["policy"] == policy]
    products = [{(finding["product"] or {}).get("skuPartNumber"), finding["detail"]} for finding in findings]
    finding = next(finding for finding, ids in zip(findings, products, strict=True) if product in ids)
    lines = explain(capsys, finding["fingerprint"], "--result", str(result)).splitlines()
    assert any(line.endswith(f": {name}") for line in lines)
    assert not any(line.endswith(f": {product}") for line in lines)
    if finding["detail"] is None:
        assert run(["history", str(result), "--tenant", "contoso", "--finding", finding["fingerprint"]]) == 0
        history = " ".join(capsys.readouterr().out.split())
        assert name in history
        assert product not in history


def test_explain_uses_the_requested_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Licenties" in explain(capsys, "remove-licenses", "--locale", "nl")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["move-user"], ["nothing-like-it"], ["SPE_E3", "--locale", "xx"]])
def test_explain_unknown_id_is_an_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", *arguments]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "heading"),
    [
        ("policy-unknown-property", "### policy-unknown-property"),
        ("snapshot-damaged", "### snapshot-damaged"),
        ("extends-digest", "### extends-digest"),
        ("test-unknown-product", "### test-unknown-product"),
        ("waiver.expiring", "## Notices"),
    ],
)
def test_explain_code_of_a_message_names_the_page_about_it(
    code: str, heading: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", code]) == 2
    assert f"docs/messages.md#{heading.lstrip('# ').lower()}\n" in capsys.readouterr().err
    assert f"\n{heading}\n" in (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")


def test_explain_fingerprint_finds_it_in_the_result_of_the_output_folder(
    result: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDITOR_OUTPUT", str(result.parent))
    fingerprint = json.loads(result.read_text(encoding="utf-8"))["tenants"][0]["findings"][0]["fingerprint"]
    assert fingerprint in explain(capsys, fingerprint[:8])


def test_explain_policy_without_a_file_finds_it_in_the_result_of_the_output_folder(
    result: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Policies of the built-in tenants are in no file that `explain` could read."""
    monkeypatch.setenv("AUDITOR_OUTPUT", str(result.parent))
    text = explain(capsys, "contoso-copilot-pilot")
    assert text.startswith("# contoso-copilot-pilot: ")
    assert "- Evaluated: " in text
    monkeypatch.setenv("AUDITOR_OUTPUT", str(result.parent / "nothing"))
    assert run(["explain", "contoso-copilot-pilot"]) == 2
    assert explain(capsys, "contoso-copilot-pilot", "--result", str(result)) == text


def test_explain_ignores_a_damaged_result_that_is_not_needed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "result.json").write_text("{")
    monkeypatch.setenv("AUDITOR_OUTPUT", str(tmp_path))
    assert run(["explain", "seats-over-asigned"]) == 2
    assert "seats.over-assigned" in capsys.readouterr().err


@pytest.mark.slow
def test_explain_fingerprint_requires_a_result(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["explain", "6637f3617d9b"]) == 2
    assert "--result" in capsys.readouterr().err
