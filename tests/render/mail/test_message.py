"""Tests the mail: equal text and HTML parts, no names of people, no active content, and a size within Gmail's limit."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Change, Severity, Status
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.findings.table import FindingTable
from auditor.render.mail.content import BAR_WIDTH
from auditor.render.mail.message import MAX_SIZE, mail_views, render_mail
from auditor.render.mail.view import MailView, Reader
from auditor.render.text.earlier_run import EarlierRun
from auditor.render.text.guidance import plain
from auditor.render.text.labels import Labels
from auditor.result.aggregate import summarise
from tests.builders.result.hostile_texts import HOSTILE
from tests.builders.result.results import E5 as SKU
from tests.builders.result.results import compared, contoso, finding, person, result
from tests.localization.catalogue_messages import LANGUAGES

READER = Reader(locale="en", attachment="report.zip")


def of_tenant(tenant: TenantResult, **changes: object) -> Result:
    sample = compared()
    single = replace(sample, tenants=(tenant,), fleet=FleetResult(), summary=summarise((tenant,)))
    return replace(single, run=replace(single.run, **changes))


def text_of(html: str) -> str:
    """Return the visible text of the HTML without tags, with single spaces."""
    import html as entities  # noqa: PLC0415

    visible = re.sub(
        r"<style.*?</style>|<title.*?</title>|<!--.*?-->|<div class=\"gone\".*?</div>", "", html, flags=re.DOTALL
    )
    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", visible)).split())


def without_spaces(text: str) -> str:
    return re.sub(r"\s+", "", text)


def summary(view: MailView) -> list[str]:
    """Return every text of the view that the mail shows."""
    lines = [view.who, view.verdict, view.scope, *view.completeness, *view.exceptions]
    lines += [text for pair in view.money for text in pair]
    lines += [text for tile in (*view.page.counts, *view.page.changes) for text in (str(tile.count), tile.label)]
    lines += [text for line in view.changed for text in (line.summary, line.title, line.tenant)]
    lines += [
        plain(t) for act in view.actions for t in (act.title, act.first, act.why, act.caution, act.next, *act.facts)
    ]
    lines += [act.document[0] for act in view.actions if act.document]
    lines += [text for line in view.tenants for text in (line.name, line.summary)]
    lines += [t for seat in view.seats for t in (seat.name, seat.tenant, seat.figures, seat.state, seat.advice)]
    lines += [text for line in view.renewals for text in (line.name, line.tenant, line.date, line.summary)]
    return [line for line in lines if line]


def test_text_and_html_contain_the_same_content() -> None:
    parts = render_mail(compared(), READER)
    view = next(mail_views(compared(), READER, Labels("en")))
    html_text, plain_text = without_spaces(text_of(parts.html)), without_spaces(parts.text)
    lines = summary(view)
    assert len(lines) > 60
    assert [line for line in lines if without_spaces(line) not in html_text] == []
    assert [line for line in lines if without_spaces(line) not in plain_text] == []


@pytest.mark.parametrize(
    ("steps", "texts"),
    [
        (("Remove the seats.",), ("Remove the seats.", "Then: Review the bill.")),
        (
            ("Ask the owner.", "Remove the seats."),
            ("Step 1 of 2: Ask the owner.", "After the last step: Review the bill."),
        ),
    ],
    ids=["one step", "two steps"],
)
def test_mail_shows_the_first_step_and_what_follows_the_last_one(
    steps: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    tenant = compared().tenants[0]
    actions = tuple(replace(action, steps=steps, next=("Review the bill.",)) for action in tenant.actions)
    parts = render_mail(of_tenant(replace(tenant, actions=actions)), READER)
    for part in (parts.text, text_of(parts.html)):
        assert [text in part for text in texts] == [True, True]
        assert ("Step 1 of" in part) is (len(steps) > 1)


def test_data_that_no_policy_needed_makes_the_mail_incomplete() -> None:
    tenant = replace(compared().tenants[0], policies=())
    assert "* Contoso Retail B.V.: Sign-in activity: denied" in render_mail(of_tenant(tenant), READER).text


def test_sections_have_the_same_order_in_both_parts() -> None:
    parts = render_mail(compared(), replace(READER, link="https://reports.example/r.html", anchors=True))
    titles = re.findall(r"<h2[^>]*>([^<]+)</h2>", parts.html)
    assert titles == [
        "What changed", "What to do first", "Monthly cost", "Tenants", "Seats outside their limits",
        "Renewals and end dates", "Waivers",
    ]  # fmt: skip
    assert [title for title in titles if f"\n{title}\n---" in parts.text] == titles
    assert parts.text.index("Incomplete") < parts.text.index("What changed")


def test_mail_is_deterministic() -> None:
    assert render_mail(compared(), READER) == render_mail(compared(), READER)


@pytest.mark.slow
def test_subject_summarises_the_outcome() -> None:
    assert (
        render_mail(compared(), READER).subject == "[2 tenants] Licences: incomplete, 4 critical, 1 new — 20 Nov 2026"
    )
    swedish = render_mail(compared(), replace(READER, locale="sv"))
    assert swedish.subject == "[2 klientorganisationer] Licenser: ofullständig, 4 kritiska"  # no place for the day
    clean = replace(result().tenants[1])
    assert (
        render_mail(of_tenant(clean), READER).subject == "[Fabrikam Logistik A/S] Licences: nothing open — 20 Nov 2026"
    )
    failed = replace(clean, failure=Message("sign-in refused"), complete=False)
    assert (
        render_mail(of_tenant(failed), READER).subject == "[Fabrikam Logistik A/S] Licences: not audited — 20 Nov 2026"
    )
    weekly = render_mail(of_tenant(clean), replace(READER, weekly=True))
    assert weekly.subject == "[Fabrikam Logistik A/S] Licences this week: nothing open — 20 Nov 2026"


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", *LANGUAGES])
@pytest.mark.parametrize(
    "name",
    ["Contoso", "Çağdaş Perakende Mağazacılık ve Ticaret Anonim Şirketi", HOSTILE["header"] * 3, "x" * 5000],  # noqa: RUF001 - Turkish letters
)
def test_subject_is_one_short_line_in_every_language(locale: str, name: str) -> None:
    subject = render_mail(
        of_tenant(replace(compared().tenants[0], display_name=name)), replace(READER, locale=locale)
    ).subject
    assert len(subject) <= 70
    assert subject.isprintable()
    assert subject.startswith("[")


def test_mail_names_no_person() -> None:
    parts = render_mail(compared(), READER)
    people = {text for found in contoso().findings for text in (found.subject.name, found.evidence.get("userPrincipalName")) if "userPrincipalName" in found.evidence}  # fmt: skip
    assert len(people) > 20
    content = parts.subject + parts.html + parts.text
    assert [name for name in people if name and name in content] == []
    assert "It names" in parts.text


def test_mail_loads_nothing_and_has_no_active_content() -> None:
    html = render_mail(compared(), replace(READER, link="https://reports.example/r.html", anchors=True)).html
    assert re.findall(r"<(?:script|img|link|iframe|object|form|input|svg|video|base)\b", html) == []
    assert "url(" not in html
    assert "@import" not in html
    addresses = re.findall(r'(?:href|src|background|action)="([^"]*)"', html)
    assert addresses
    assert all(address.startswith("https://") for address in addresses)
    assert 'xmlns="http://www.w3.org/1999/xhtml"' in html


def test_mail_has_inline_styles_and_colour_attributes_for_outlook() -> None:
    html = render_mail(compared(), READER).html
    assert html.lower().startswith("<!doctype html>")
    cells = re.findall(r"<td\b[^>]*class=\"line[^>]*>", html)
    assert cells
    assert all("font-size" in cell for cell in cells)
    head, _, body = html.partition("</head>")
    assert "<style" not in body
    assert head.count("<style") == 1
    assert "prefers-color-scheme: dark" in head
    assert 'name="color-scheme" content="light dark"' in head
    assert "<!--[if mso]>" in head
    assert "<!--[if mso]>" in body
    assert all("bgcolor=" in cell for cell in re.findall(r"<td\b[^>]*class=\"cell[^>]*>", html))
    tables = re.findall(r"<table\b[^>]*>", body)
    assert all('role="presentation"' in table for table in tables)


def test_all_seat_bars_have_the_same_width() -> None:
    view = next(mail_views(compared(), READER, Labels("en")))
    assert view.seats
    assert {sum(seat.bar) for seat in view.seats if seat.bar} == {BAR_WIDTH}
    assert all(part >= 0 for seat in view.seats for part in seat.bar or ())


def test_long_names_are_cut() -> None:
    long = replace(
        compared().tenants[0],
        display_name="n" * 5000,
        notices=tuple(replace(notice, message=Message("m" * 5000)) for notice in contoso().notices),
        seats=tuple(replace(seats, name="s" * 5000) for seats in contoso().seats),
    )
    parts = render_mail(of_tenant(long), READER)
    assert len(parts.html.encode()) < MAX_SIZE
    assert not re.search(r"(.)\1{300}", parts.html + parts.text)


def crowd(count: int) -> Result:
    def leaver(index: int) -> Finding:
        subject, facts = person(index)
        found = finding("contoso", "leavers", "assignment.not-allowed", subject, sku=SKU, evidence=facts)
        return replace(found, change=Change.NEW, fingerprint=f"{index:064x}")

    return of_tenant(replace(compared().tenants[0], findings=FindingTable.of(tuple(map(leaver, range(count))))))


@pytest.mark.slow
def test_mail_of_fifty_thousand_findings_is_within_the_limit() -> None:
    parts = render_mail(crowd(50_000), READER)
    assert len(parts.html.encode()) < MAX_SIZE
    assert "50,000 new" in parts.text


@pytest.mark.slow
def test_mail_of_a_large_fleet_is_within_the_limit() -> None:
    base = compared().tenants[0]
    tenants = tuple(
        replace(base, name=f"tenant-{number}", display_name=f"Tenant {number} " + "ğ" * 120) for number in range(120)
    )
    fleet = replace(compared(), tenants=tenants, summary=summarise(tenants))
    parts = render_mail(fleet, replace(READER, link=f"https://reports.example/{'r' * 300}", anchors=True))
    assert len(parts.html.encode()) < MAX_SIZE
    assert parts.subject.startswith("[120 tenants]")
    assert re.search(r"and \d+ more", parts.text)


def test_filtered_mail_says_that_it_is_filtered() -> None:
    clean = of_tenant(result().tenants[1])
    assert "Everything complies with the policies." in render_mail(clean, READER).text
    parts = render_mail(clean, replace(READER, severities=(Severity.HIGH, Severity.CRITICAL), owners=("Stores",)))
    for text in (parts.text, text_of(parts.html)):
        assert "There are no open findings among those that you receive." in text
        assert "These numbers count only the findings that you receive: critical, high, Stores." in text


def test_mail_of_a_first_run_without_findings_is_short() -> None:
    quiet = of_tenant(result().tenants[1], previous=None)
    parts = render_mail(quiet, replace(READER, attachment=""))
    assert "Not compared with an earlier run." in parts.text
    assert re.findall(r"<h2", parts.html) == []
    assert len(parts.text.splitlines()) < 16


def test_attachment_that_is_too_large_is_mentioned() -> None:
    parts = render_mail(compared(), replace(READER, attachment="", too_large="licence-audit.zip"))
    for text in (parts.text, text_of(parts.html)):
        assert "licence-audit.zip, is too large for a mail" in text


@pytest.mark.slow
def test_dates_after_60_days_and_waived_ones_are_left_out() -> None:
    def result_with_date(days: int, **changes: object) -> Result:
        at = (result().run.as_of + timedelta(days=days)).astimezone(UTC)
        renewal = next(item for item in contoso().findings if item.check == "subscription.expiring")
        facts = {**renewal.evidence, "nextLifecycleDateTime": datetime.isoformat(at)}
        dated = replace(renewal, evidence=facts, **changes)
        return of_tenant(replace(compared().tenants[0], findings=FindingTable.of((dated,))))

    def renewal_texts(of: Result) -> list[str]:
        return [line.summary for line in next(mail_views(of, READER, Labels("en"))).renewals]

    assert renewal_texts(result_with_date(59)) == ["Expired, 90 seats purchased, 29 spare today"]
    assert renewal_texts(result_with_date(61)) == []
    assert renewal_texts(result_with_date(10, status=Status.WAIVED)) == []


def test_date_outside_the_range_of_utc_is_left_out() -> None:
    renewal = next(item for item in contoso().findings if item.check == "subscription.expiring")
    changed = replace(renewal, evidence={**renewal.evidence, "nextLifecycleDateTime": "0001-01-01T00:00:00+05:00"})
    tenant = replace(contoso(), findings=FindingTable.of((changed,)))
    assert next(mail_views(of_tenant(tenant), READER, Labels("en"))).renewals == ()


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", *LANGUAGES])
def test_html_has_its_language_and_no_unfilled_placeholder(locale: str) -> None:
    parts = render_mail(compared(), replace(READER, locale=locale))
    assert f'<html lang="{parts.language}"' in parts.html
    assert "{count}" not in parts.subject + parts.html + parts.text
    assert "%(" not in parts.html + parts.text


def test_rendered_parts_are_texts_without_markup_or_blank_lines() -> None:
    parts = render_mail(compared(), READER)
    assert parts.text.endswith("\n")
    assert "\n\n\n" not in parts.text
    assert "**" not in parts.text


def test_trends_are_in_both_parts_within_the_size_limit() -> None:
    of = compared()
    runs = tuple(
        EarlierRun(as_of=of.run.as_of - timedelta(days=60 - n), open={Severity.HIGH: n}, money={"EUR": Decimal(n)})
        for n in range(60)
    )
    assert "Over time" not in render_mail(of, READER).text
    parts = render_mail(of, replace(READER, history=runs))
    assert len(parts.html.encode()) < 100_000
    view = next(mail_views(of, replace(READER, history=runs), Labels("en")))
    assert len(view.trends) >= 3
    for spark in view.trends:
        assert f"* {spark.label}: {spark.text}  {spark.summary}" in parts.text
        assert without_spaces(spark.summary) in without_spaces(text_of(parts.html))
    assert "<img" not in parts.html
    assert "<svg" not in parts.html
    assert parts.html.count('valign="bottom"') == sum(len(spark.bars) for spark in view.trends)
    assert {sum(samples for _, samples in spark.bars) for spark in view.trends} == {21}, "one for three of 61 runs"


def test_bars_of_many_nights_leave_room_for_the_actions() -> None:
    of = compared()
    runs = tuple(
        EarlierRun(
            as_of=of.run.as_of - timedelta(days=24 - night),
            open={Severity.HIGH: 90 + night % 3, Severity.LOW: 50 + night % 2},
            money={"EUR": Decimal(2900 - 40 * night)},
        )
        for night in range(24)
    )
    parts = render_mail(of, replace(READER, history=runs))
    assert len(parts.html.encode()) - len(render_mail(of, READER).html.encode()) < 20_000
    (view, shorter, *_) = mail_views(of, READER, Labels("en"))
    assert len(view.actions) == len(shorter.actions) > 3, "other lists are shortened first"
