"""Several tenants in one table: who is worst, what changed, and who was not audited."""

import re
from decimal import Decimal
from io import StringIO

import pytest
from msgspec.structs import replace
from rich.console import Console

from auditor.cli.terminal.tables import print_fleet
from auditor.domain.enums import Outcome, Severity, Source, SourceStatus, Status
from auditor.domain.message import Message
from auditor.domain.result.model import PolicyOutcome, Result, TenantResult
from auditor.findings.table import FindingTable
from auditor.render import render
from auditor.render.html.page import page
from auditor.render.html.rows import Context
from auditor.render.html.tenant_table import FleetRow, fleet_rows
from auditor.render.html.timeline import next_date
from auditor.render.mail.content import RENEWALS
from auditor.render.mail.message import mail_views, render_mail
from auditor.render.mail.view import Reader
from auditor.render.text.labels import Labels
from auditor.result import ranking
from auditor.result.aggregate import summarise
from auditor.result.seats import spare_seats
from tests.builders.result.results import result


def fleet(*tenants: TenantResult) -> Result:
    given = result()
    return replace(given, tenants=tenants, summary=summarise(tenants, given.fleet))


def worst() -> TenantResult:
    return max(result().tenants, key=lambda tenant: sum(f.severity is Severity.CRITICAL for f in tenant.findings))


def quiet(name: str, **more: object) -> TenantResult:
    calm = replace(
        worst(), name=name, display_name=name, findings=FindingTable.of(()), actions=(), fixed=(), unconfirmed=()
    )
    return replace(calm, **more)


def rows(*tenants: TenantResult) -> tuple[FleetRow, ...]:
    l10n = Labels("en")
    made = fleet(*tenants)
    return fleet_rows(made, page(made, l10n), l10n)


def test_tenants_stand_worst_first_and_all_together_last() -> None:
    found = rows(
        quiet("aaa"),
        replace(worst(), name="zzz", display_name="zzz"),
        quiet("lost", failure=Message("it is gone"), complete=False),
    )
    assert [row.title for row in found] == ["lost", "zzz", "aaa", "Policies across tenants", "All tenants together"]
    assert [row.failure for row in found] == [True, False, False, False, False]
    *parts, total = found
    assert total.open == sum(row.open for row in parts) > parts[1].open > 0, "the rows add up"
    assert (parts[3].href, parts[3].spare, total.href) == ("#fleet", "–", "")


def test_tenants_of_one_display_name_are_told_apart_by_their_names() -> None:
    found = rows(*(quiet(name, display_name="Contoso") for name in ("eu", "us")), quiet("nl", display_name="Fabrikam"))
    assert [row.title for row in found if row.name] == ["eu (Contoso)", "Fabrikam", "us (Contoso)"]


def test_seats_that_are_not_known_make_the_sum_unknown() -> None:
    (seat, *_) = [seat for seat in worst().seats if seat.applies_to == "User"]
    known = replace(seat, sku_part_number="SPE_E3", usable=100, consumed=60, spare=40)
    free = replace(seat, sku_part_number="FLOW_FREE", usable=10_000, consumed=3, spare=9_997)
    gap = replace(known, consumed=None, spare=None)
    one, two, _, total = rows(quiet("a", seats=(known, free)), quiet("b", seats=(known,)))
    assert [(row.usable, row.assigned, row.spare) for row in (one, two, total)] == [
        ("100", "60", "40"), ("100", "60", "40"), ("200", "120", "80"),
    ]  # fmt: skip
    *_, total = rows(quiet("a", seats=(known,)), quiet("b", seats=(gap,)))
    assert (total.usable, total.assigned, total.spare) == ("200", "?", "?")
    *_, total = rows(quiet("a", seats=(known,)), quiet("b", seats=(), failure=Message("it is gone")))
    assert total.usable == "?"


@pytest.mark.parametrize("status", [SourceStatus.DENIED, SourceStatus.PARTIAL, SourceStatus.NOT_NEEDED])
def test_seats_that_nobody_read_are_not_none(status: SourceStatus) -> None:
    (seat, *_) = [seat for seat in worst().seats if seat.applies_to == "User"]
    unread = tuple(
        replace(source, status=status) if source.name is Source.SUBSCRIBED_SKUS else source
        for source in worst().sources
    )
    gap = quiet("b", seats=(), sources=unread, complete=False)
    *_, total = found = rows(quiet("a", seats=(seat,)), gap)
    assert [(row.usable, row.assigned, row.spare) for row in found if row.title == "b"] == [("?", "?", "?")]
    assert total.usable == "?"
    assert spare_seats(fleet(quiet("a", seats=(seat,)), gap)) is None


def test_one_tenant_has_no_table() -> None:
    assert rows(worst()) == ()
    assert 'id="tenants-h"' not in _html(fleet(worst()))


def test_a_hostile_name_stays_text_in_the_table() -> None:
    evil = quiet("evil", display_name="<img src=x onerror=alert(1)>\u202e")
    text = _html(fleet(evil, quiet("good")))
    assert 'id="tenants-h"' in text
    assert "<img" not in text
    assert "\u202e" not in text


@pytest.mark.slow
def test_the_digest_to_the_owner_of_the_fleet_names_the_worst_of_many() -> None:
    tenants = [quiet(f"a{number:03}") for number in range(60)]
    made = fleet(*tenants, replace(worst(), name="zzz", display_name="The worst"))
    parts = render_mail(made, Reader(locale="en"))
    assert "The worst" in parts.text
    assert "a059" not in parts.text
    assert Decimal(len(parts.html)) < 100_000


def _html(made: Result) -> str:
    return b"".join(render(made, "html", locale="en").chunks()).decode()


def printed(rows: tuple[FleetRow, ...], width: int = 80) -> list[str]:
    stream = StringIO()
    print_fleet(Console(file=stream, width=width), rows, Labels("en"))
    return stream.getvalue().splitlines()


@pytest.mark.slow
def test_the_terminal_shows_the_worst_and_says_how_many_more_there_are() -> None:
    lost = [quiet(f"lost{n:02}", failure=Message("it is gone"), complete=False) for n in range(20)]
    bad = [replace(worst(), name=f"bad{n:02}", display_name=f"bad{n:02}") for n in range(20)]
    found = rows(*lost, *bad)
    for width in (60, 80, 120):
        lines = printed(found, width)
        assert max(map(len, lines)) <= width
        assert sum("not audited" in line and "lost" in line for line in lines) == 4
        assert sum(line.strip().startswith("bad") for line in lines) == 8
    last_line = " ".join(line.strip() for line in printed(found, 120)[-1:])
    each = found[20].open
    assert last_line == f"28 more in the reports, 16 of them not audited, {12 * each:,} open findings"
    assert printed(rows(worst())) == []


@pytest.mark.slow
def test_a_fleet_in_which_nobody_was_audited_is_listed_all_the_same() -> None:
    lost = [quiet(f"lost{n:02}", failure=Message("it is gone"), complete=False) for n in range(14)]
    lines = printed(rows(*lost))
    assert sum("lost" in line for line in lines) == 12
    assert "2 more in the reports, 2 of them not audited" in lines[-1]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that tells two tenants in full."""
    monkeypatch.setattr(ranking, "MAX_LISTED_TENANTS", 2)


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_what_a_page_leaves_out_of_many_tenants_is_reported() -> None:
    made = fleet(*(replace(worst(), name=f"t{number}", display_name=f"Tenant {number}") for number in range(5)))
    head = _html(made).partition("<main>")[0]
    assert "Tenant 0, Tenant 1, Tenant 2 and 2 more" in head
    assert "findings, from the worst 2 tenants" in _html(made)
    summary = b"".join(render(made, "markdown", locale="en").chunks()).decode()
    assert "The 2 worst of 5 tenants are shown below" in summary
    whole = b"".join(render(fleet(worst()), "markdown", locale="en").chunks()).decode()
    assert "The worst" not in whole


@pytest.mark.usefixtures("few")
def test_tenants_without_a_part_of_the_page_lead_to_pages_of_their_own() -> None:
    made = fleet(*(replace(worst(), name=f"t {number}", display_name=f"Tenant {number}") for number in range(3)))
    text = b"".join(render(made, "html", locale="en", tenant_pages="tenants").chunks()).decode()
    (table,) = re.findall(r'<table class="fleet">.*?</table>', text, re.DOTALL)
    assert re.findall('href="([^"]+)"', table) == ["#t-t-0", "#t-t-1", "tenants/t%202.html", "#fleet"]
    assert "tenants/" not in _html(made)


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_a_mail_counts_what_it_leaves_out() -> None:
    gap = PolicyOutcome(id="p", status=Outcome.NOT_EVALUATED, findings=0, reason=Message("who knows"))
    made = fleet(
        *(
            replace(worst(), name=f"t{number}", display_name="", policies=(gap,), complete=False, failure=None)
            for number in range(23)
        )
    )
    view = next(mail_views(made, Reader(locale="en"), Labels("en")))
    named = sum(line.name != "Policies across tenants" for line in view.tenants)
    assert named + view.more_tenants == 23
    assert len(view.completeness) + view.more_gaps == 23
    context = Context.of_tenant(made.tenants[0], {}, Labels("en"))
    outside = sum(seat.sku_id.casefold() in context.about_seats for seat in made.tenants[0].seats)
    assert outside
    assert len(view.seats) + view.more_seats == 23 * outside
    near = {
        finding.subject.id
        for finding in made.tenants[0].findings
        if (date := next_date(finding)) and date <= made.run.as_of + RENEWALS and finding.status is Status.OPEN
    }
    assert near
    assert len(view.renewals) + view.more_renewals == 23 * len(near)
    for part in (render_mail(made, Reader(locale="en")).text, render_mail(made, Reader(locale="en")).html):
        for more in (view.more_tenants, view.more_gaps, view.more_seats, view.more_renewals):
            assert f"and {more} more" in part


def test_a_mail_writes_numbers_as_its_language_does() -> None:
    given = fleet(worst(), quiet("b"))
    made = replace(given, summary=replace(given.summary, waived=12_345))
    parts = render_mail(made, Reader(locale="de"))
    assert "12.345" in parts.text
    assert "12.345" in parts.html
