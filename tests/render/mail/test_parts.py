"""Tests that both parts of a mail have the same links, exceptions and dates, and costs of the findings in the mail."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from auditor.app.recipients.envelopes import Envelope
from auditor.app.recipients.portion import portion
from auditor.domain.enums import Cloud, Severity, Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import ContractTerm, FleetResult, Result, TenantResult
from auditor.domain.settings import Channel, Recipient
from auditor.findings.table import FindingTable
from auditor.guidance import Variant
from auditor.localization import localization
from auditor.remedy.actions.guidance.text import guidance_text
from auditor.render.chat.message import render_message
from auditor.render.mail.content import MAX_CAUTION, LineLimits, limited_views
from auditor.render.mail.message import mail_views, render_mail
from auditor.render.mail.view import Reader, UpcomingDate
from auditor.render.text.labels import Labels
from auditor.render.view.page import page
from auditor.result.aggregate import money
from tests.builders.result.actions import with_actions
from tests.builders.result.audited_demo import demo_result
from tests.builders.result.results import compared
from tests.builders.tenant.tenants import audited, bought, policy_set, tenant, user
from tests.guidance.packaged import composed
from tests.localization.catalogue_messages import LANGUAGES

READER = Reader(locale="en")
AUDIT = compared()


def test_both_parts_have_the_same_links() -> None:
    parts = render_mail(AUDIT, replace(READER, link="https://reports.example/r.html", anchors=True))
    links = re.findall(r'href="(https://[^"]*)"', parts.html)
    assert [link for link in links if "#p-" in link]
    assert [link for link in links if "#a-" in link]
    assert [link for link in links if "#t-" in link]
    assert sorted(re.findall(r"https://\S+", parts.text)) == sorted(links)
    assert "https://reports.example" not in render_mail(AUDIT, READER).text


def test_same_change_in_several_tenants_is_one_line_with_their_sum() -> None:
    worst = next(
        tenant for tenant in AUDIT.tenants if any(stats.new for stats in tenant.findings.stats.policies.values())
    )
    one, several = (
        next(mail_views(replace(AUDIT, tenants=tenants, fleet=FleetResult()), READER, Labels("en"))).changed
        for tenants in ((worst,), tuple(replace(worst, name=f"t{number}") for number in range(3)))
    )
    titles = [[(line.title.replace("violations", "violation"), line.key) for line in lines] for lines in (one, several)]
    assert titles[1] == titles[0]
    numbers = [[int(line.summary.split()[0]) for line in lines] for lines in (one, several)]
    assert numbers[1] == [3 * number for number in numbers[0]]
    assert {line.tenant for line in several} == {"t0 (Contoso Retail B.V.), also in 2 other tenants"}


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_changes_are_violations_of_policies_not_their_titles(language: str) -> None:
    titles = {header.title or header.id for header in AUDIT.run.policies}
    view = next(mail_views(AUDIT, Reader(locale=language), Labels(language)))
    assert view.changed
    for line in view.changed:
        (title,) = [title for title in titles if title in line.title]
        assert re.search(rf"[“„”»]{re.escape(title)}[“”«]", line.title), line.title
        assert len(line.title) > len(title) + 2, "what a policy demands is quoted, and called a violation"
        assert len(line.summary.split()) > 2, "a number, new or fixed, and what: findings"


def test_preview_counts_new_and_fixed_findings_of_all_policies() -> None:
    view = next(mail_views(AUDIT, READER, Labels("en")))
    assert view.preview.startswith(f"{view.verdict} ")
    for tile in view.page.changes:
        assert (f"{tile.count} {tile.key} finding" in view.preview) is bool(tile.count)


def test_warning_shared_by_several_actions_is_shown_once() -> None:
    def with_warnings(tenant: TenantResult) -> TenantResult:
        return replace(tenant, actions=tuple(replace(action, warnings=("The same.",)) for action in tenant.actions))

    view = next(mail_views(replace(AUDIT, tenants=tuple(map(with_warnings, AUDIT.tenants))), READER, Labels("en")))
    assert len(view.actions) > 1
    assert [act.caution for act in view.actions if act.caution] == ["The same."]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_warnings_of_the_guidance_are_not_cut(language: str) -> None:
    (tenant, *_) = demo_result(language).tenants
    longest = max((text for action in tenant.actions for text in action.warnings), key=len)
    assert len(longest) > 500
    assert len(longest) < MAX_CAUTION


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_roles_of_a_tenant_with_an_unknown_agreement_are_not_cut(language: str) -> None:
    guidance = composed("remove-licenses", Variant(cloud=Cloud.WORLDWIDE))
    role = guidance_text(guidance, (), localization(language)).role
    assert role.count(" / ") == 3
    tenants = (
        replace(tenant, actions=tuple(replace(action, role=role, owner="") for action in tenant.actions))
        for tenant in AUDIT.tenants
    )
    view = next(mail_views(replace(AUDIT, tenants=tuple(tenants)), READER, Labels("en")))
    assert any(role in action.facts for action in view.actions)


@pytest.mark.slow
def test_count_of_waived_findings_has_no_comma_before_and() -> None:
    for language, words in (("en", "and 1 waived"), ("de", "und 1 ausgenommen")):
        text = render_mail(AUDIT, Reader(locale=language)).text
        assert re.search(f"[^,] {words}$", text, re.MULTILINE), text


@pytest.mark.slow
def test_question_that_is_the_title_of_a_page_has_no_colon() -> None:
    text = render_mail(demo_result("en"), READER).text
    assert "when my subscription ends? https://learn.microsoft.com/" in text
    assert "?:" not in text


@pytest.mark.slow
def test_waivers_in_force_are_counted() -> None:
    def exceptions(*waivers: dict[str, str | list[str]]) -> tuple[str, ...]:
        of = replace(AUDIT, run=replace(AUDIT.run, definitions={"waivers": list(waivers)}))
        parts, view = render_mail(of, READER), next(mail_views(of, READER, Labels("en")))
        assert [text for text in view.exceptions if text not in parts.html] == []
        assert [text for text in view.exceptions if f"* {text}\n" not in parts.text] == []
        return view.exceptions

    expiring: dict[str, str | list[str]] = {"id": "W-1", "policies": ["leavers"], "expires": "2026-12-01"}
    assert exceptions()[0] == "1 finding waived"
    with_expired = exceptions(expiring, {**expiring, "id": "gone", "expires": "2026-11-19"})
    assert with_expired[:2] == ("1 waiver in force", "1 finding waived")
    assert exceptions(expiring, {**expiring, "id": "long", "expires": "2027-11-19"})[0] == "2 waivers in force"
    assert exceptions(expiring, {**expiring, "id": "other", "policies": ["abroad"], "expires": "2027-11-19"})[0] == (
        "1 waiver in force"
    )


def dates(of: Result, reader: Reader) -> tuple[UpcomingDate, ...]:
    l10n = Labels("en")
    return next(limited_views(page(of, l10n), of, reader, l10n, (LineLimits(renewals=99),))).renewals


def test_line_between_two_dates_is_below_the_consequence_of_the_first() -> None:
    html = render_mail(demo_result(), READER).html
    rows = re.findall(r"<tr>(<td class=\"line left mark.*?)</tr>\s*<tr>(.*?)</tr>", html, re.DOTALL)
    above, below = next(pair for pair in rows if "unless" in pair[1])
    assert above.count("border-bottom: 0") == above.count("<td")
    assert below.count("border-bottom: 1px") == below.count("<td")
    assert "font-weight: bold" in above, "the date"
    assert re.search(r"text-align: right;[^\"]*font-weight: bold;[^>]*>€", html), "an amount"


def test_near_contract_dates_are_shown_only_to_unfiltered_recipients() -> None:
    first, *others = AUDIT.tenants
    day = first.as_of.date()
    terms = {"near": (10, 40), "past": (-10, -5), "far": (None, 400), "gone": (None, -60)}
    contracts = tuple(
        ContractTerm(
            id=name,
            name="Microsoft 365 E5",
            sku_ids=(),
            ends=day + timedelta(days=ends),
            notice=None if notice is None else day + timedelta(days=notice),
            renews="automatically",
            seats=7,
        )
        for name, (notice, ends) in terms.items()
    )
    of = replace(AUDIT, tenants=(replace(first, contracts=contracts), *others))
    renewals = [line for line in dates(of, READER) if "E5 (" in line.name]
    assert [(line.name.partition(" (")[2], line.summary.partition(" · ")[0]) for line in renewals] == [
        ("past)", "end of the contract, 7 seats in the contract"),
        ("near)", "last day to give notice, 7 seats in the contract"),
        ("near)", "end of the contract, 7 seats in the contract"),
    ]
    assert renewals[0].consequence == "It has ended, unless it was renewed"
    assert "last day to give notice" in render_mail(of, READER).text
    filtered = replace(READER, owners=("hr@contoso.example",))
    filtered_dates = dates(of, filtered)
    assert not [line for line in filtered_dates if "E5 (" in line.name]
    near = replace(next(iter(first.findings)), check="contract.notice", detail="near", status=Status.OPEN)
    for finding, names in (
        (near, ["near)", "near)"]),
        (replace(near, check="contract.seats-differ", detail=None, evidence={"contracts": ["past"]}), ["past)"]),
        (replace(near, status=Status.WAIVED, waiver="W"), []),
    ):
        with_finding = replace(first, contracts=contracts, findings=FindingTable.of((finding,)))
        shown = dates(replace(AUDIT, tenants=(with_finding, *others)), filtered)
        assert [line.name.partition(" (")[2] for line in shown if "E5 (" in line.name] == names


def test_findings_about_people_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    l10n = Labels("en")
    content = page(AUDIT, l10n)
    prefixes: list[str] = []

    def all_findings(_: FindingTable) -> Iterator[Finding]:
        raise AssertionError("there may be hundreds of thousands, and a mail names no person")

    def of_checks(findings: FindingTable, prefix: str) -> Iterator[Finding]:
        prefixes.append(prefix)
        return original(findings, prefix)

    original = FindingTable.of_checks
    monkeypatch.setattr(FindingTable, "__iter__", all_findings)
    monkeypatch.setattr(FindingTable, "of_checks", of_checks)
    longer, shorter = limited_views(content, AUDIT, READER, l10n, (LineLimits(), LineLimits(changed=0, renewals=0)))
    assert longer.changed
    assert longer.renewals
    assert shorter.more_changed == len(longer.changed)
    assert prefixes == ["subscription."], "once for all views; only one tenant has findings"


@pytest.mark.slow
def test_removal_of_seats_says_in_page_and_mail_how_its_number_and_amount_come_about() -> None:
    result, l10n = demo_result(), Labels("en")
    note = (
        "While decisions are open, auditor plan can propose another number of seats. The saving counts the price "
        "from 31 December 2026 on: €37.30 a month per seat."
    )
    highlights = [item for item in page(result, l10n).highlights if item.note]
    assert [(item.title, item.note) for item in highlights] == [
        ("Remove 30 seats of Microsoft 365 E3 at the renewal", note)
    ]
    view = next(mail_views(result, READER, l10n))
    assert [action.title for action in view.actions if action.why.endswith(note)] == [highlights[0].title]


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", *LANGUAGES])
def test_advice_about_seats_is_not_cut(locale: str) -> None:
    view = next(mail_views(demo_result(), READER, Labels(locale)))
    assert len(view.seats) >= 5
    assert not any(line.advice.endswith("…") for line in view.seats)


RULES = """policies:
- {id: hr, severity: high, users: {department: HR}, assignments: {deny: [SPE_E3]}}
- {id: it, severity: low, users: {department: IT}, assignments: {deny: [SPE_E3]}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 30}}
"""
SENTENCE = "Amounts of actions also count findings that you do not receive."


def part_of(*severities: Severity) -> Result:
    people = (user(name, "SPE_E3", department=name.upper()) for name in ("hr", "it"))
    result = with_actions(audited(RULES, tenant(*people, subscribedSkus=[bought("SPE_E3", 2, 2)])), policy_set(RULES))
    recipient = Recipient(address="a@x.example", severities=severities or None)
    return portion(result, Envelope(address="a@x.example", locale="en", portions=(("contoso", recipient),)))


@pytest.mark.parametrize("severities", [(Severity.LOW,), (Severity.HIGH, Severity.LOW), ()])
def test_mail_and_channels_say_if_amounts_of_actions_count_more_than_the_part(severities: tuple[Severity, ...]) -> None:
    part, reader = part_of(*severities), Reader(locale="en", severities=severities)
    (action,) = part.tenants[0].actions
    assert action.money is not None
    assert action.money.per_month == 60
    assert action.shared == (len(severities) == 1)
    assert money(part) == {"EUR": Decimal(30 if action.shared else 60)}
    mail = render_mail(part, reader)
    texts = (mail.text, mail.html, json.dumps(json.loads(render_message(part, reader, Channel.TEAMS))))
    assert [SENTENCE in text for text in texts] == [action.shared] * 3
