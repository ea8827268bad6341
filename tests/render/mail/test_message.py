"""The mail: one story in two parts, no person in it, nothing loaded, nothing that acts, and small enough for Gmail."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import fields, replace

from auditor.domain.actions.action import Link
from auditor.domain.enums import Change, Severity, Status
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.findings.table import FindingTable
from auditor.history import compare
from auditor.localization import languages
from auditor.render.mail.content import BAR_WIDTH
from auditor.render.mail.message import MAX_SIZE, mail_views, render_mail
from auditor.render.mail.view import MailParts, MailView, Reader
from auditor.render.text.earlier_run import EarlierRun
from auditor.render.text.guidance import plain
from auditor.render.text.labels import Labels
from auditor.result.aggregate import summarise
from tests.builders.result.results import E5 as SKU
from tests.builders.result.results import contoso, finding, night_before, person, result

READER = Reader(locale="en", attachment="report.zip")
HOSTILE = (
    "<script>alert(1)</script>{{ 7*7 }}{% raw %}\u202egnp.exe\x1b[31m\r\nBcc: evil@evil.example\"' onload=x\x00\ud800"
)


def compared() -> Result:
    return compare(result(), night_before())


def of_tenant(tenant: TenantResult, **run: object) -> Result:
    whole = compared()
    made = replace(whole, tenants=(tenant,), fleet=FleetResult(), summary=summarise((tenant,)))
    return replace(made, run=replace(made.run, **run))


def text_of(html: str) -> str:
    """What a reader sees of the HTML, tags and spaces aside."""
    import html as entities  # noqa: PLC0415

    bare = re.sub(
        r"<style.*?</style>|<title.*?</title>|<!--.*?-->|<div class=\"gone\".*?</div>", "", html, flags=re.DOTALL
    )
    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def summary(view: MailView) -> list[str]:
    """Every text of the story that people read."""
    lines = [view.who, view.verdict, view.scope, *view.completeness, *view.exceptions]
    lines += [text for pair in view.money for text in pair]
    lines += [text for tile in (*view.page.counts, *view.page.changes) for text in (str(tile.count), tile.label)]
    lines += [text for line in view.changed for text in (line.summary, line.title, line.tenant)]
    lines += [plain(text) for act in view.acts for text in (act.title, act.first, *act.facts)]
    lines += [act.document[0] for act in view.acts if act.document]
    lines += [text for line in view.tenants for text in (line.name, line.summary)]
    lines += [t for seat in view.seats for t in (seat.name, seat.tenant, seat.figures, seat.state, seat.advice)]
    lines += [text for line in view.renewals for text in (line.name, line.tenant, line.date, line.summary)]
    return [line for line in lines if line]


def test_both_parts_tell_the_same_story() -> None:
    parts = render_mail(compared(), READER)
    view = next(mail_views(compared(), READER, Labels("en")))
    seen, read = squeezed(text_of(parts.html)), squeezed(parts.text)
    lines = summary(view)
    assert len(lines) > 60
    assert [line for line in lines if squeezed(line) not in seen] == []
    assert [line for line in lines if squeezed(line) not in read] == []


def test_the_order_is_the_one_that_readers_want() -> None:
    parts = render_mail(compared(), replace(READER, link="https://reports.example/r.html", anchors=True))
    titles = re.findall(r"<h2[^>]*>([^<]+)</h2>", parts.html)
    assert titles == [
        "What changed", "What to do first", "Money a month", "Tenants", "Seats outside their limits",
        "Dates within 60 days", "Exceptions",
    ]  # fmt: skip
    assert [title for title in titles if f"\n{title}\n---" in parts.text] == titles
    assert parts.text.index("Incomplete") < parts.text.index("What changed")


def test_it_is_the_same_every_time() -> None:
    assert render_mail(compared(), READER) == render_mail(compared(), READER)


@pytest.mark.slow
def test_the_subject_says_the_outcome() -> None:
    assert (
        render_mail(compared(), READER).subject == "[2 tenants] Licences: incomplete, 4 critical, 1 new — 20 Nov 2026"
    )
    calm = replace(result().tenants[1])
    assert (
        render_mail(of_tenant(calm), READER).subject == "[Fabrikam Logistik A/S] Licences: nothing open — 20 Nov 2026"
    )
    lost = replace(calm, failure=Message("sign-in refused"), complete=False)
    assert render_mail(of_tenant(lost), READER).subject == "[Fabrikam Logistik A/S] Licences: not audited — 20 Nov 2026"
    weekly = render_mail(of_tenant(calm), replace(READER, weekly=True))
    assert weekly.subject == "[Fabrikam Logistik A/S] Licences this week: nothing open — 20 Nov 2026"


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", "nl", "da", "sv", "tr", "de"])
@pytest.mark.parametrize(
    "name",
    ["Contoso", "Çağdaş Perakende Mağazacılık ve Ticaret Anonim Şirketi", HOSTILE * 3, "x" * 5000],  # noqa: RUF001 - Turkish has its own letters
)
def test_a_subject_is_one_short_line_in_every_language(locale: str, name: str) -> None:
    subject = render_mail(
        of_tenant(replace(compared().tenants[0], display_name=name)), replace(READER, locale=locale)
    ).subject
    assert len(subject) <= 70
    assert subject.isprintable()
    assert subject.startswith("[")


def test_no_person_is_named() -> None:
    parts = render_mail(compared(), READER)
    people = {text for each in contoso().findings for text in (each.subject.name, each.evidence.get("userPrincipalName")) if "userPrincipalName" in each.evidence}  # fmt: skip
    assert len(people) > 20
    whole = parts.subject + parts.html + parts.text
    assert [name for name in people if name and name in whole] == []
    assert "It names" in parts.text


def test_nothing_is_loaded_and_nothing_runs() -> None:
    html = render_mail(compared(), replace(READER, link="https://reports.example/r.html", anchors=True)).html
    assert re.findall(r"<(?:script|img|link|iframe|object|form|input|svg|video|base)\b", html) == []
    assert "url(" not in html
    assert "@import" not in html
    addresses = re.findall(r'(?:href|src|background|action)="([^"]*)"', html)
    assert addresses
    assert all(address.startswith("https://") for address in addresses)
    assert 'xmlns="http://www.w3.org/1999/xhtml"' in html


def test_word_reads_it_styles_stand_in_the_elements_and_colours_as_attributes() -> None:
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


def test_every_bar_is_as_wide_as_the_others() -> None:
    view = next(mail_views(compared(), READER, Labels("en")))
    assert view.seats
    assert {sum(seat.bar) for seat in view.seats if seat.bar} == {BAR_WIDTH}
    assert all(part >= 0 for seat in view.seats for part in seat.bar or ())


def hostile() -> Result:
    whole = compared()
    tenants = tuple(
        replace(
            tenant,
            display_name=HOSTILE,
            failure=None,
            findings=FindingTable.of(tuple(_hostile(each) for each in tenant.findings)),
            seats=tuple(replace(seats, name=HOSTILE, sku_part_number=HOSTILE) for seats in tenant.seats),
            notices=tuple(replace(notice, message=Message(HOSTILE)) for notice in tenant.notices),
            actions=tuple(
                replace(
                    action,
                    title=HOSTILE,
                    steps=(HOSTILE,),
                    owner=HOSTILE,
                    role=HOSTILE,
                    links=(Link(label=HOSTILE, address="javascript:alert(1)"),),
                )
                for action in tenant.actions
            ),
        )
        for tenant in whole.tenants
    )
    policies = tuple(replace(each, title=HOSTILE, owner=HOSTILE, rationale=HOSTILE) for each in whole.run.policies)
    return replace(whole, run=replace(whole.run, policies=policies), tenants=tenants)


def _hostile(each: Finding) -> Finding:
    subject = replace(each.subject, name=HOSTILE)
    return replace(each, subject=subject, evidence={**each.evidence, "department": HOSTILE, "minimum": HOSTILE})


def test_hostile_text_is_shown_and_does_nothing() -> None:
    reader = replace(READER, owners=(HOSTILE,), tags=(HOSTILE,))
    parts = render_mail(hostile(), reader)
    calm = render_mail(compared(), READER)
    assert set(re.findall(r"<([a-z0-9]+)", parts.html)) <= set(re.findall(r"<([a-z0-9]+)", calm.html)) | {"br"}
    assert "&lt;script&gt;" in parts.html
    assert "onload=x" not in re.sub(r">[^<]*<", "><", parts.html)
    for text in (parts.subject, parts.html, parts.text):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
        text.encode()
    assert "{{ 7*7 }}" in parts.html
    assert "{{ 7*7 }}" in parts.text
    assert "\nBcc:" not in parts.subject + parts.text
    assert "javascript:" not in parts.html + parts.text


def test_endless_names_are_cut() -> None:
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
    def one(index: int) -> Finding:
        subject, facts = person(index)
        made = finding("contoso", "leavers", "assignment.not-allowed", subject, sku=SKU, evidence=facts)
        return replace(made, change=Change.NEW, fingerprint=f"{index:064x}")

    return of_tenant(replace(compared().tenants[0], findings=FindingTable.of(tuple(map(one, range(count))))))


@pytest.mark.slow
def test_fifty_thousand_findings_fit_gmail() -> None:
    parts = render_mail(crowd(50_000), READER)
    assert len(parts.html.encode()) < MAX_SIZE
    assert "50,000 new" in parts.text


@pytest.mark.slow
def test_a_fleet_of_hundreds_fits_too() -> None:
    base = compared().tenants[0]
    tenants = tuple(
        replace(base, name=f"tenant-{number}", display_name=f"Tenant {number} " + "ğ" * 120) for number in range(120)
    )
    whole = replace(compared(), tenants=tenants, summary=summarise(tenants))
    parts = render_mail(whole, replace(READER, link=f"https://reports.example/{'r' * 300}", anchors=True))
    assert len(parts.html.encode()) < MAX_SIZE
    assert parts.subject.startswith("[120 tenants]")
    assert re.search(r"and \d+ more", parts.text)


def test_who_asked_for_a_part_reads_that_it_is_one() -> None:
    calm = of_tenant(result().tenants[1])
    assert "Everything complies with the policies." in render_mail(calm, READER).text
    parts = render_mail(calm, replace(READER, severities=(Severity.HIGH, Severity.CRITICAL), owners=("Stores",)))
    for text in (parts.text, text_of(parts.html)):
        assert "None of the findings that you receive is open." in text
        assert "These numbers count only the findings that you receive: critical, high, Stores." in text


def test_a_first_run_and_a_quiet_day_are_short() -> None:
    quiet = of_tenant(result().tenants[1], previous=None)
    parts = render_mail(quiet, replace(READER, attachment=""))
    assert "Not compared with an earlier run." in parts.text
    assert re.findall(r"<h2", parts.html) == []
    assert len(parts.text.splitlines()) < 16


def test_a_file_that_stays_behind_is_reported() -> None:
    parts = render_mail(compared(), replace(READER, attachment="", too_large="licence-audit.zip"))
    for text in (parts.text, text_of(parts.html)):
        assert "licence-audit.zip, is too large for a mail" in text


@pytest.mark.slow
def test_dates_far_away_and_settled_ones_are_left_out() -> None:
    def ends(days: int, **more: object) -> Result:
        at = (result().run.as_of + timedelta(days=days)).astimezone(UTC)
        renewal = next(each for each in contoso().findings if each.check == "subscription.expiring")
        facts = {**renewal.evidence, "nextLifecycleDateTime": datetime.isoformat(at)}
        changed = replace(renewal, evidence=facts, **more)
        return of_tenant(replace(compared().tenants[0], findings=FindingTable.of((changed,))))

    def renewal_texts(of: Result) -> list[str]:
        return [line.summary for line in next(mail_views(of, READER, Labels("en"))).renewals]

    assert renewal_texts(ends(59)) == ["Expired, 90 seats bought, 29 spare today"]
    assert renewal_texts(ends(61)) == []
    assert renewal_texts(ends(10, status=Status.WAIVED)) == []


def test_a_date_that_has_no_day_in_utc_is_left_out() -> None:
    renewal = next(each for each in contoso().findings if each.check == "subscription.expiring")
    changed = replace(renewal, evidence={**renewal.evidence, "nextLifecycleDateTime": "0001-01-01T00:00:00+05:00"})
    tenant = replace(contoso(), findings=FindingTable.of((changed,)))
    assert next(mail_views(of_tenant(tenant), READER, Labels("en"))).renewals == ()


@pytest.mark.slow
@pytest.mark.parametrize("locale", languages())
def test_every_language_says_what_it_is(locale: str) -> None:
    parts = render_mail(compared(), replace(READER, locale=locale))
    assert f'<html lang="{parts.language}"' in parts.html
    assert "{count}" not in parts.subject + parts.html + parts.text
    assert "%(" not in parts.html + parts.text


def test_a_part_is_a_text() -> None:
    parts = render_mail(compared(), READER)
    assert isinstance(parts, MailParts)
    assert [field.name for field in fields(parts)] == ["subject", "text", "html", "language"]
    assert parts.text.endswith("\n")
    assert "\n\n\n" not in parts.text
    assert "**" not in parts.text


def test_curves_stand_in_both_parts_and_give_way_before_a_mail_is_cut_off() -> None:
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
        assert squeezed(spark.summary) in squeezed(text_of(parts.html))
    assert "<img" not in parts.html
    assert "<svg" not in parts.html
    assert parts.html.count('valign="bottom"') == sum(len(spark.bars) for spark in view.trends)
