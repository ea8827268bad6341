"""Tests the sections of a page with pages of single tenants beside it: which tenants have one, and links to the others."""

import re

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Outcome
from auditor.domain.message import Message
from auditor.domain.result.model import FleetResult, Notice, PolicyOutcome, Result
from auditor.findings.table import FindingTable
from auditor.render.html import report
from auditor.render.html.table_columns import table_columns
from auditor.render.mail.message import mail_views
from auditor.render.mail.view import Reader
from auditor.render.text.labels import Labels
from auditor.render.view.finding_index import finding_indexes
from auditor.render.view.page import page
from auditor.result.aggregate import single_tenant, summarise
from tests.builders.result.rendered import rendered_text
from tests.builders.result.results import result

SECTION = '<div id="(t-[^"]+|fleet)"'
NAMES = ("alpha", "beta", "gamma")


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Result:
    """Three tenants, of which only the worst one has a section."""
    monkeypatch.setattr(report, "MAX_SECTIONS", 1)
    sample = result()
    worst, *_ = sample.tenants
    tenants = tuple(replace(worst, name=name, display_name=name.capitalize()) for name in NAMES)
    return replace(sample, tenants=tenants, summary=summarise(tenants, sample.fleet))


def html(given: Result, tenant_pages: str = "") -> str:
    return rendered_text(given, "html", tenant_pages=tenant_pages)


def test_only_the_worst_tenants_have_a_section(fleet: Result) -> None:
    assert re.findall(SECTION, html(fleet, "tenants")) == ["t-alpha", "fleet"]
    assert "The worst 1 of 3 tenants are shown in full below" in html(fleet, "tenants")


@pytest.mark.slow
def test_every_tenant_has_a_section_if_tenants_have_no_pages(fleet: Result) -> None:
    assert re.findall(SECTION, html(fleet)) == [*(f"t-{name}" for name in NAMES), "fleet"]
    assert "tenants are shown in full below" not in html(fleet)


def test_every_link_to_a_tenant_page_has_its_target(fleet: Result) -> None:
    alpha, beta, gamma = fleet.tenants
    beta = replace(beta, actions=tuple(replace(action, title="Buy one seat") for action in beta.actions))
    fleet = replace(fleet, tenants=(alpha, beta, gamma))
    page = html(fleet, "tenants")
    links = re.findall(r'href="tenants/(\w+)\.html(?:#([^"]+))?"', page)
    assert {tenant for tenant, _ in links} == {"beta", "gamma"}
    assert any(anchor for _, anchor in links), "what matters most links to an action of another page"
    for tenant, anchor in links:
        assert not anchor or f'id="{anchor}"' in html(single_tenant(fleet, tenant))
    ids = set(re.findall(r'\bid="([^"]+)"', page)) | {"find"}
    assert {link.split("?")[0] for link in re.findall(r'href="#([^"]+)"', page)} <= ids


def test_the_table_has_the_findings_of_all_tenants_with_the_url_of_their_page(fleet: Result) -> None:
    l10n = Labels("en")
    links = {"beta": "tenants/beta.html", "gamma": "tenants/gamma.html"}
    columns = table_columns(fleet, l10n, finding_indexes(fleet, l10n), links)
    assert [tenant for tenant in columns.header()["tenants"] if tenant[0]] == [
        ("alpha", "Alpha", ""),
        ("beta", "Beta", "tenants/beta.html"),
        ("gamma", "Gamma", "tenants/gamma.html"),
    ]
    assert len(columns.fingerprints) == sum(len(tenant.findings) for tenant in fleet.tenants) + len(
        fleet.fleet.findings
    )


def test_table_of_many_tenants_is_folded_after_fifteen_rows_and_has_no_empty_column(fleet: Result) -> None:
    sample, *_ = fleet.tenants
    tenants = tuple(
        replace(sample, name=f"t{number:02}", display_name=f"Tenant {number:02}", findings=FindingTable.of(()))
        for number in range(17)
    )
    page = html(replace(fleet, tenants=tenants, summary=summarise(tenants, fleet.fleet)), "tenants")
    table, _, others = page.partition('<nav class="waivers tenants"')[2].partition("</nav>")[0].partition("</table>")
    assert "Tenant 14" in table
    assert "All tenants together" in table
    assert re.findall("Tenant [0-9]+", table[table.index("Tenant 14") :]) == ["Tenant 14"]
    assert "and 2 more" in others
    assert re.findall("Tenant [0-9]+", others) == ["Tenant 15", "Tenant 16"]
    assert "Per month" not in table
    assert "Change" not in table


def test_what_to_do_first_names_the_tenant_only_if_there_are_several() -> None:
    sample = result()
    assert sample.fleet.policies, "the starter library has a policy across tenants"
    worst, *others = sample.tenants
    title = worst.display_name
    alone = replace(sample, tenants=(worst,), summary=summarise((worst,), sample.fleet))
    for audited, named in ((sample, True), (alone, False)):
        view = next(mail_views(audited, Reader(locale="en"), Labels("en")))
        assert any(title in action.facts for action in view.actions) is named
        assert (f"· {title} ·" in rendered_text(audited, "markdown")) is named
        assert (f"<span>{title}</span>" in html(audited)) is named
    assert others


def test_policies_that_compare_tenants_are_listed_with_the_only_tenant() -> None:
    worst, *_ = result().tenants
    outcome = PolicyOutcome(id="seats-balance", status=Outcome.PASS, findings=0, judged=0)
    notice = Notice(code="balance.single-tenant", message=Message("alone"), subject=outcome.id)
    fleet = FleetResult(policies=(outcome,), notices=(notice,))
    (section,) = page(replace(result(), tenants=(worst,), fleet=fleet), Labels("en")).sections
    assert (section.outcomes[-1].outcome, section.notices[-1].message) == (outcome, "Alone")
    compared = page(replace(result(), tenants=(worst,)), Labels("en"))
    assert [part.name for part in compared.sections] == [worst.name, ""], "there are findings, so they have a section"
