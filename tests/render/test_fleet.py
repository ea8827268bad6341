"""Tests the table of several tenants: order, totals, tenants that were not audited, and limits of long tables."""

import re
from decimal import Decimal
from io import StringIO

import pytest
from msgspec.structs import replace
from rich.console import Console

from auditor.cli.terminal.result import terminal_text
from auditor.cli.terminal.tables import print_fleet
from auditor.domain.actions.priority import FIRST
from auditor.domain.enums import Outcome, Severity, Source, SourceStatus, Status
from auditor.domain.message import Message
from auditor.domain.result.model import FleetResult, PolicyOutcome, Result, TenantResult
from auditor.findings.table import FindingTable
from auditor.render.mail.content import RENEWALS
from auditor.render.mail.message import mail_views, render_mail
from auditor.render.mail.view import Reader
from auditor.render.text.labels import Labels
from auditor.render.view.content import PageContent
from auditor.render.view.page import page
from auditor.render.view.rows import Context
from auditor.render.view.tenant_table import FleetRow, fleet_rows
from auditor.render.view.timeline import next_date
from auditor.result import ranking
from auditor.result.aggregate import summarise
from auditor.result.seats import spare_seats
from tests.builders.result.rendered import rendered_bytes, rendered_text
from tests.builders.result.results import result


def fleet(*tenants: TenantResult) -> Result:
    sample = result()
    return replace(sample, tenants=tenants, summary=summarise(tenants, sample.fleet))


def worst() -> TenantResult:
    return max(result().tenants, key=lambda tenant: sum(f.severity is Severity.CRITICAL for f in tenant.findings))


def clean_tenant(name: str, **changes: object) -> TenantResult:
    tenant = replace(
        worst(), name=name, display_name=name, findings=FindingTable.of(()), actions=(), fixed=(), unconfirmed=()
    )
    return replace(tenant, **changes)


def rows(*tenants: TenantResult) -> tuple[FleetRow, ...]:
    l10n = Labels("en")
    audit = fleet(*tenants)
    return fleet_rows(audit, page(audit, l10n), l10n)


def test_failed_and_worst_tenants_are_first_and_the_total_is_last() -> None:
    lost = clean_tenant("lost", failure=Message("it is gone"), complete=False)
    audit = fleet(clean_tenant("aaa"), replace(worst(), name="zzz", display_name="zzz"), lost)
    table = rows(*audit.tenants)
    titles = ["lost", "zzz", "aaa", "Policies across tenants"]
    assert [row.title for row in table] == [*titles, "All tenants together"]
    assert [section.title for section in page(audit, Labels("en")).sections] == titles
    assert [line.name for line in next(mail_views(audit, Reader(locale="en"), Labels("en"))).tenants] == titles
    summary = rendered_text(audit, "markdown").partition("\n## Tenants\n")[2].partition("\n## ")
    assert re.findall(r"^\| (\w[^|]*) \| ", summary[0], re.MULTILINE) == ["Tenant", *(row.title for row in table)]
    columns = "Findings", "Usable", "Assigned", "Spare", "Per month"
    assert f"| Tenant | {' | '.join(columns)} |" in summary[0], "without an earlier run, there is no column of changes"
    assert summary[2].startswith("lost\n"), "the sections follow in the same order"
    assert [row.failure for row in table] == [True, False, False, False, False]
    *parts, total = table
    assert total.open == sum(row.open for row in parts) > parts[1].open > 0, "the rows add up"
    assert (parts[3].href, parts[3].spare, total.href) == ("#fleet", "–", "")


def test_summary_has_no_section_of_a_tenant_with_nothing_to_do() -> None:
    clean = clean_tenant("clean", seats=(), usage=None, smaller_products=None, coverage=None, policies=())
    summary = rendered_text(fleet(clean, replace(worst(), name="zzz", display_name="zzz")), "markdown")
    assert "| clean | nothing open" in summary
    assert "\n## zzz\n" in summary
    assert "\n## clean\n" not in summary
    assert "\n## clean\n" in rendered_text(fleet(clean), "markdown"), "the only tenant has no table"


def test_summary_gives_the_reason_of_a_tenant_that_was_not_audited_once() -> None:
    unknown = (PolicyOutcome(id="spare", status=Outcome.NOT_EVALUATED, findings=0, reason=Message("it is gone")),)
    lost = clean_tenant("lost", failure=Message("it is gone"), complete=False, policies=unknown, coverage=None)
    summary = rendered_text(fleet(lost, clean_tenant("b", policies=())), "markdown")
    assert "**Not audited.** it is gone" in summary
    assert "Not evaluated" not in summary


def test_tenants_with_equal_display_names_have_their_names_as_titles() -> None:
    table = rows(
        *(clean_tenant(name, display_name="Contoso") for name in ("eu", "us")),
        clean_tenant("nl", display_name="Fabrikam"),
    )
    assert [row.title for row in table if row.name] == ["eu (Contoso)", "Fabrikam", "us (Contoso)"]


def test_unknown_seats_make_the_total_unknown() -> None:
    (seat, *_) = [seat for seat in worst().seats if seat.applies_to == "User"]
    paid = replace(seat, sku_part_number="SPE_E3", usable=100, consumed=60, spare=40)
    free = replace(seat, sku_part_number="FLOW_FREE", usable=10_000, consumed=3, spare=9_997)
    gap = replace(paid, consumed=None, spare=None)
    first, second, _, total = rows(clean_tenant("a", seats=(paid, free)), clean_tenant("b", seats=(paid,)))
    assert [(row.usable, row.assigned, row.spare) for row in (first, second, total)] == [
        ("100", "60", "40"), ("100", "60", "40"), ("200", "120", "80"),
    ]  # fmt: skip
    *_, total = rows(clean_tenant("a", seats=(paid,)), clean_tenant("b", seats=(gap,)))
    assert (total.usable, total.assigned, total.spare) == ("200", "?", "?")
    *_, total = rows(clean_tenant("a", seats=(paid,)), clean_tenant("b", seats=(), failure=Message("it is gone")))
    assert total.usable == "?"


@pytest.mark.parametrize("status", [SourceStatus.DENIED, SourceStatus.PARTIAL, SourceStatus.NOT_NEEDED])
def test_seats_that_were_not_collected_are_unknown_instead_of_zero(status: SourceStatus) -> None:
    (seat, *_) = [seat for seat in worst().seats if seat.applies_to == "User"]
    unread = tuple(
        replace(source, status=status) if source.name is Source.SUBSCRIBED_SKUS else source
        for source in worst().sources
    )
    gap = clean_tenant("b", seats=(), sources=unread, complete=False)
    *_, total = table = rows(clean_tenant("a", seats=(seat,)), gap)
    assert [(row.usable, row.assigned, row.spare) for row in table if row.title == "b"] == [("?", "?", "?")]
    assert total.usable == "?"
    assert spare_seats(fleet(clean_tenant("a", seats=(seat,)), gap)) is None


def test_single_tenant_has_no_table() -> None:
    assert rows(worst()) == ()
    assert 'id="tenants-h"' not in rendered_text(fleet(worst()), "html")


def test_hostile_name_is_escaped_in_the_table() -> None:
    evil = clean_tenant("evil", display_name="<img src=x onerror=alert(1)>\u202e")
    text = rendered_text(fleet(evil, clean_tenant("good")), "html")
    assert 'id="tenants-h"' in text
    assert "<img" not in text
    assert "\u202e" not in text


@pytest.mark.slow
def test_mail_about_a_large_fleet_names_the_worst_tenant() -> None:
    tenants = [clean_tenant(f"a{number:03}") for number in range(60)]
    audit = fleet(*tenants, replace(worst(), name="zzz", display_name="The worst"))
    parts = render_mail(audit, Reader(locale="en"))
    assert "The worst" in parts.text
    assert "a059" not in parts.text
    assert Decimal(len(parts.html)) < 100_000


def printed(rows: tuple[FleetRow, ...], width: int = 80) -> list[str]:
    stream = StringIO()
    print_fleet(Console(file=stream, width=width), rows, Labels("en"))
    return stream.getvalue().splitlines()


@pytest.mark.slow
def test_terminal_shows_the_worst_tenants_and_counts_the_rest() -> None:
    failed = [clean_tenant(f"lost{n:02}", failure=Message("it is gone"), complete=False) for n in range(20)]
    bad = [replace(worst(), name=f"bad{n:02}", display_name=f"bad{n:02}") for n in range(20)]
    table = rows(*failed, *bad)
    for width in (60, 80, 120):
        lines = printed(table, width)
        assert max(map(len, lines)) <= width
        assert sum("not audited" in line and "lost" in line for line in lines) == 4
        assert sum(line.strip().startswith("bad") for line in lines) == 8
    last_line = " ".join(line.strip() for line in printed(table, 120)[-1:])
    open_ = table[20].open
    assert last_line == f"28 more in the reports, 16 of them not audited, {12 * open_:,} open findings"
    assert printed(rows(worst())) == []


@pytest.mark.slow
def test_fleet_of_failed_tenants_is_listed() -> None:
    failed = [clean_tenant(f"lost{n:02}", failure=Message("it is gone"), complete=False) for n in range(14)]
    lines = printed(rows(*failed))
    assert sum("lost" in line for line in lines) == 12
    assert "2 more in the reports, 2 of them not audited" in lines[-1]


@pytest.fixture
def two_listed_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit reports to two tenants."""
    monkeypatch.setattr(ranking, "MAX_LISTED_TENANTS", 2)


@pytest.mark.slow
@pytest.mark.usefixtures("two_listed_tenants")
def test_page_and_summary_mention_tenants_that_are_left_out() -> None:
    audit = fleet(*(replace(worst(), name=f"t{number}", display_name=f"Tenant {number}") for number in range(5)))
    head = rendered_text(audit, "html").partition("<main>")[0]
    assert '<p class="who">5 tenants</p>' in head
    assert "findings, from the worst 2 tenants" in rendered_text(audit, "html")
    summary = rendered_text(audit, "markdown")
    assert "The 2 worst of 5 tenants are shown below" in summary
    single = rendered_text(fleet(worst()), "markdown")
    assert "The worst" not in single


@pytest.mark.usefixtures("two_listed_tenants")
def test_tenants_not_on_the_page_are_linked_to_their_own_pages() -> None:
    audit = fleet(*(replace(worst(), name=f"t {number}", display_name=f"Tenant {number}") for number in range(3)))
    text = rendered_text(audit, "html", tenant_pages="tenants")
    (table,) = re.findall(r'<table class="fleet">.*?</table>', text, re.DOTALL)
    assert re.findall('href="([^"]+)"', table) == ["#t-t-0", "#t-t-1", "tenants/t%202.html", "#fleet"]
    assert "tenants/" not in rendered_text(audit, "html")


@pytest.mark.slow
@pytest.mark.usefixtures("two_listed_tenants")
def test_mail_counts_the_tenants_seats_and_dates_that_it_leaves_out() -> None:
    gap = PolicyOutcome(id="p", status=Outcome.NOT_EVALUATED, findings=0, reason=Message("who knows"))
    incomplete = replace(worst(), display_name="", complete=False, failure=None)
    # Tenants in which the same policies were not evaluated would share a sentence.
    gaps = [(replace(gap, id=f"p{number}"),) for number in range(23)]
    audit = fleet(*(replace(incomplete, name=f"t{number}", policies=gaps[number]) for number in range(23)))
    view = next(mail_views(audit, Reader(locale="en"), Labels("en")))
    named = sum(line.name != "Policies across tenants" for line in view.tenants)
    assert named + view.more_tenants == 23
    missing = 1 + 23  # the source that was not read, and the reasons of the policies
    assert (len(view.completeness), view.more_gaps) == (5, missing - 5)
    context = Context.of_tenant(audit.tenants[0], {}, Labels("en"))
    outside = sum(seat.sku_id.casefold() in context.about_seats for seat in audit.tenants[0].seats)
    assert outside
    assert len(view.seats) + view.more_seats == 23 * outside
    near = {
        finding.subject.id
        for finding in audit.tenants[0].findings.of_checks("subscription.")
        if (date := next_date(finding)) and date <= audit.run.as_of + RENEWALS and finding.status is Status.OPEN
    }
    assert near
    assert len(view.renewals) + view.more_renewals == 23 * len(near)
    for part in (render_mail(audit, Reader(locale="en")).text, render_mail(audit, Reader(locale="en")).html):
        for more in (view.more_tenants, view.more_gaps, view.more_seats, view.more_renewals):
            assert f"and {more} more" in part


def test_numbers_in_a_mail_are_formatted_in_its_language() -> None:
    base = fleet(worst(), clean_tenant("b"))
    audit = replace(base, summary=replace(base.summary, waived=12_345))
    parts = render_mail(audit, Reader(locale="de"))
    assert "12.345" in parts.text
    assert "12.345" in parts.html


@pytest.mark.slow
def test_the_same_task_in_several_tenants_is_one_highlight(monkeypatch: pytest.MonkeyPatch) -> None:
    audit = fleet(*(replace(worst(), name=name, display_name=name) for name in ("aaa", "bbb", "ccc")))
    highlights = page(audit, Labels("en")).highlights
    assert len({highlight.title for highlight in highlights}) == len(highlights) == FIRST
    assert {highlight.elsewhere for highlight in highlights} == {"also in 2 other tenants"}
    for across in (audit.fleet, FleetResult()):  # without policies across tenants, there is no section of them
        whole = page(replace(audit, fleet=across), Labels("en"))
        assert {highlight.elsewhere for highlight in whole.highlights} == {"also in 2 other tenants"}
    view = next(mail_views(audit, Reader(locale="en"), Labels("en")))
    texts = [rendered_bytes(audit, name) for name in ("markdown", "html")]
    texts += [terminal_text(PageContent(audit, "en"), paths=()), repr(view.actions).encode()]
    assert [text.count(b"also in 2 other tenants") for text in texts] == [FIRST] * 4
    monkeypatch.setattr(ranking, "MAX_LISTED_TENANTS", 2)
    assert {highlight.elsewhere for highlight in page(audit, Labels("en")).highlights} == {
        "also in 1 other tenant (at least)"
    }
