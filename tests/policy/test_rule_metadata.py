"""References and frameworks of policies: parsing, errors, and their presence in results, pages and SARIF."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.domain.errors import InputError
from auditor.domain.policy.model import Reference
from auditor.domain.result.model import Result
from auditor.policy.loader import load
from auditor.render.text.labels import Labels
from auditor.render.view.page import page
from auditor.result.codec.result_reader import load as load_result
from tests.builders.result.rendered import rendered_text
from tests.builders.result.results import result
from tests.builders.service.command_line import call
from tests.builders.tenant.tenants import audited, tenant, user

CIS = "CIS Microsoft 365 Foundations Benchmark 1.1.4"
PAGE = "https://learn.microsoft.com/entra/identity/role-based-access-control/best-practices"
POLICY = f"""version: 1
policies:
  - id: roles
    severity: low
    tags: [security]
    references:
      - {{title: Best practices, url: '{PAGE}'}}
    frameworks: [{CIS}]
    assignments: {{deny: [SPE_E5]}}
"""


def with_metadata(url: str = PAGE) -> Result:
    """Return a result with a reference and a framework on every policy."""
    run = result()
    pages = (Reference(title="Best <practices>", url=url),)
    headers = tuple(replace(header, references=pages, frameworks=(CIS,)) for header in run.run.policies)
    return replace(run, run=replace(run.run, policies=headers))


def test_references_and_frameworks_are_in_the_result() -> None:
    audited_result = audited(POLICY.removeprefix("version: 1\n"), tenant(user("ann", "SPE_E5")))
    [header] = audited_result.run.policies
    assert header.references == (Reference(title="Best practices", url=PAGE),)
    assert header.frameworks == (CIS,)
    text = rendered_text(audited_result, "json")
    assert json.loads(text)["run"]["policies"][0]["references"] == [{"title": "Best practices", "url": PAGE}]
    assert load_result(text.encode()).run.policies == audited_result.run.policies


@pytest.mark.parametrize(
    ("old", "new", "position", "slug"),
    [
        (PAGE, "http://learn.microsoft.com/", "7:38", "policy-bad-value"),
        (PAGE, "javascript:alert(1)", "7:38", "policy-bad-value"),
        (PAGE, 'https://x.example/a" onclick="b', "7:38", "policy-bad-value"),
        (f", url: '{PAGE}'", "", "7:9", "policy-missing-key"),
        (f"[{CIS}]", "[]", "8:17", "policy-empty"),
        (f"[{CIS}]", f"[{CIS}, {CIS}]", "8:17", "policy-bad-value"),
        (f"[{CIS}]", CIS, "8:17", "policy-wrong-type"),
    ],
)
def test_invalid_reference_is_reported_at_its_location(old: str, new: str, position: str, slug: str) -> None:
    assert old in POLICY
    with pytest.raises(InputError) as caught:
        load([("p.yaml", POLICY.replace(old, new).encode())])
    assert [(f"{d.span.line}:{d.span.column}", d.slug) for d in caught.value.diagnostics if d.span] == [
        (position, slug)
    ]


def test_explain_lists_references_and_frameworks(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    output = call("explain", "roles", "p.yaml", cwd=tmp_path).out.decode()
    assert f"- Frameworks: {CIS}\n" in output
    assert f"- Reference: Best practices: <{PAGE}>\n" in output
    assert "references:" not in output


def test_page_links_to_references_and_escapes_their_titles() -> None:
    text = rendered_text(with_metadata(), "html")
    assert f'<a href="{PAGE}" rel="noreferrer">Best &lt;practices&gt;</a>' in text
    assert f"<span>{CIS}</span>" in text


def test_address_that_is_not_https_is_not_a_link() -> None:
    run_result = with_metadata("javascript:alert(1)")
    assert "javascript:" not in rendered_text(run_result, "html")
    assert all(
        url == ""
        for section in page(run_result, Labels("en")).sections
        for group in section.groups
        for _, url in group.references
    )
    assert "helpUri" not in rendered_text(run_result, "sarif")


def test_sarif_has_the_first_reference_as_help_and_frameworks_as_tags() -> None:
    rules = json.loads(rendered_text(with_metadata(), "sarif"))["runs"][0]["tool"]["driver"]["rules"]
    assert {rule["helpUri"] for rule in rules} == {PAGE}
    assert all(rule["properties"]["tags"] == ["cost", CIS] for rule in rules)


def test_policy_without_references_has_no_keys_for_them() -> None:
    for output_format in ("json", "sarif"):
        text = rendered_text(result(), output_format)
        assert '"references"' not in text
        assert '"helpUri"' not in text
