"""Tests parts of reports: sums of money, seat charts, evidence texts, numbers, and escaping of control characters."""

from csv import DictReader
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding, Subject
from auditor.domain.result.model import SeatBounds
from auditor.findings.facts import last_sign_in
from auditor.findings.stats import monthly_cost
from auditor.findings.table import FindingTable
from auditor.render.text.evidence.evidence import evidence_text, limits
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.sanitize import single_line, visible
from auditor.render.text.summary import verdict
from auditor.render.view.model import SeatRow
from auditor.render.view.page import page
from auditor.render.view.rows import Context, seat_row
from auditor.render.view.seat_chart import WIDTH, bound_in_seats, seat_bar
from auditor.result.aggregate import action_amounts, all_prices_known, money
from auditor.result.codec.result_reader import load
from tests.builders.result.rendered import rendered_bytes, rendered_text
from tests.builders.result.results import contoso, result
from tests.builders.tenant.tenants import audited, bought, tenant, user

EN = Labels("en")
FIRST = next(finding for finding in contoso().findings if finding.policy == "leavers")


def test_seat_found_by_two_policies_is_counted_once() -> None:
    duplicate = replace(FIRST, policy="inactive", fingerprint="other")
    assert FIRST.money is not None
    assert monthly_cost((FIRST, duplicate)) == {"EUR": FIRST.money.per_month}
    of_another_user = replace(duplicate, subject=Subject(type=SubjectType.USER, id="someone", name=""))
    assert monthly_cost((FIRST, of_another_user)) == {"EUR": 2 * FIRST.money.per_month}


def test_waived_findings_and_budgets_are_excluded_from_sums() -> None:
    budget = replace(FIRST, check="budget.exceeded")
    assert monthly_cost((replace(FIRST, status=Status.WAIVED), budget)) == {}


def test_currencies_are_summed_separately() -> None:
    crowns = replace(
        FIRST,
        money=Money(currency="DKK", per_month=Decimal(10)),
        subject=Subject(type=SubjectType.USER, id="x", name=""),
    )
    assert list(monthly_cost((FIRST, crowns))) == ["DKK", "EUR"]
    assert EN.sums({"DKK": Decimal(10), "EUR": Decimal("1234.5")}) == "DKK\u00a010.00 + €1,234.50"


def test_money_of_a_run_is_that_of_its_tenants() -> None:
    sample = result()
    assert money(sample) == money(sample.tenants[0])
    assert not all_prices_known(sample)


def test_sums_are_equal_in_result_csv_and_page_after_rounding() -> None:
    people = [user(f"u{number}", "SPE_E3", accountEnabled=False) for number in range(3)]
    state = tenant(*people, subscribedSkus=[bought("SPE_E3", 33, 3)])
    prices = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.705}}\n"
    leavers = "- {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {allow: []}}\n"
    outcome = audited(f"policies:\n{leavers}{prices}", state)
    assert money(outcome) == {"EUR": 3 * Decimal("35.71")}
    saved = load(rendered_bytes(outcome, "json"))
    assert money(saved) == money(outcome)
    assert action_amounts(saved.tenants[0].actions) == action_amounts(outcome.tenants[0].actions)
    rows = list(DictReader(rendered_text(outcome, "csv").splitlines()))
    assert sum(Decimal(row["perMonth"]) for row in rows) == money(outcome)["EUR"]
    assert "€107.13" in EN.sums(page(outcome, EN).figures[0].amounts)


@pytest.mark.parametrize(
    ("text", "seats"),
    [
        ("5", 5),
        ("5%", 10),
        ("2.5 %", 5),
        ("{percent: 5, seats: 10}", 10),
        ("{percent: 10, seats: 10}", 20),
        ("all", None),
        ("", None),
    ],
)
def test_bound_is_parsed_as_written_in_policies(text: str, seats: int | None) -> None:
    assert bound_in_seats(text, 200) == seats


@given(
    st.none() | st.integers(-5, 10**7),
    st.none() | st.integers(-5, 10**7),
    st.none() | st.integers(-5, 10**7),
    st.sampled_from([None, "0", "5", "5%", "100%"]),
    st.sampled_from([None, "0", "5", "5%", "100%"]),
)
def test_seat_chart_stays_within_its_width(
    usable: int | None, consumed: int | None, warning: int | None, least: str | None, most: str | None
) -> None:
    bar = seat_bar(usable=usable, consumed=consumed, warning=warning, facts={"minimum": least, "maximum": most})
    if bar is None:
        assert usable is None or consumed is None or max(usable, consumed) <= 0
        return
    assert usable is not None
    assert consumed is not None
    assert 0 <= bar.assigned <= bar.usable <= bar.usable + bar.over <= WIDTH
    assert 0 <= bar.grace <= bar.usable
    assert bar.over == 0 or consumed > usable
    assert bar.zone is None or 0 <= bar.zone[0] <= bar.zone[1] <= WIDTH


def test_seat_chart_grows_with_every_assigned_seat() -> None:
    bars = [seat_bar(usable=100, consumed=used, warning=0, facts={}) for used in range(101)]
    lengths = [bar.assigned for bar in bars if bar is not None]
    assert lengths == sorted(set(lengths))
    assert (len(lengths), lengths[-1]) == (101, WIDTH)


def test_seat_row_prefers_product_bounds_over_quotas_of_equal_severity() -> None:
    sample_tenant = contoso()
    above = next(finding for finding in sample_tenant.findings if finding.check == "seats.above-maximum")
    facts = {name: value for name, value in above.evidence.items() if name not in {"adjust", "bound", "minimum"}}
    quota = replace(
        above, check="seats.quota-exceeded", policy="quota", evidence={**facts, "assigned": 9, "maximum": 8}
    )
    (seats,) = [
        seat for seat in sample_tenant.seats if above.product is not None and seat.sku_id == above.product.sku_id
    ]

    def row(*findings: Finding) -> SeatRow:
        return seat_row(seats, Context.of_tenant(replace(sample_tenant, findings=FindingTable.of(findings)), {}, EN))

    alone, both = row(above), row(quota, above)
    assert (both.state, both.advice, both.limits) == (alone.state, alone.advice, alone.limits)
    assert both.seat_bar == alone.seat_bar
    assert both.seat_bar is not None
    assert both.seat_bar.zone is not None
    worse = row(replace(quota, severity=Severity.CRITICAL), above)
    assert (worse.state, worse.advice, worse.limits) == ("quota exceeded", "", "at most 8 assigned")
    assert worse.seat_bar is not None
    assert worse.seat_bar.zone is None


def test_seat_row_within_limits_shows_the_tightest_bounds_of_all_policies() -> None:
    sample_tenant = contoso()
    seats = next(seat for seat in sample_tenant.seats if seat.sku_part_number == "SPE_E5")
    assert (seats.usable, seats.consumed) == (180, 177)

    def limits_and_zone(*bounds: tuple[int, int | None, int | None]) -> tuple[str, tuple[int, int] | None]:
        seat_bounds = tuple(
            SeatBounds(policy="p", usable=usable, minimum=least, maximum=most) for usable, least, most in bounds
        )
        row = seat_row(
            replace(seats, bounds=seat_bounds),
            Context.of_tenant(replace(sample_tenant, findings=FindingTable.of(())), {}, EN),
        )
        assert row.severity is None
        assert row.seat_bar is not None
        return row.limits, row.seat_bar.zone

    assert limits_and_zone() == ("", None)
    assert limits_and_zone((180, 0, None)) == ("", None)  # already visible as the end of the bar
    assert limits_and_zone((180, 3, None)) == ("at least 3 spare", (0, 236))
    assert limits_and_zone((180, 0, 30)) == ("at most 30 spare", (200, 240))
    assert limits_and_zone((180, 0, 30), (180, 3, 60)) == ("at least 3, at most 30 spare", (200, 236))
    # The first policy ignores the ten grace seats, so its bounds are ten higher relative to all usable seats.
    assert limits_and_zone((170, 0, 20)) == ("at least 10, at most 30 spare", (200, 227))
    assert limits_and_zone((180, 60, None), (180, None, 30)) == ("", None)  # no number satisfies both


def test_page_shows_the_limits_of_a_product_within_them() -> None:
    sample_tenant = contoso()
    seat_bounds = (SeatBounds(policy="p", usable=180, minimum=3, maximum=None),)
    seats = tuple(
        replace(seat, bounds=seat_bounds) if seat.sku_part_number == "SPE_E5" else seat for seat in sample_tenant.seats
    )
    sample = replace(result(), tenants=(replace(sample_tenant, seats=seats),))
    page = rendered_text(sample, "html")
    row = page[page.index('<tr><th scope="row">Microsoft 365 E5</th>') :]
    row = row[: row.index("</tr>")]
    assert 'aria-label="177 of 180 seats assigned, at least 3 spare"' in row
    assert '<path class="zone" d="M0 15v4H236v-4"/>' in row
    assert row.endswith('<span class="quiet">no finding<br><small>at least 3 spare</small></span></td>')


@pytest.mark.parametrize(
    ("minimum", "maximum", "text"),
    [
        ("2%", "21", "at least 2% of the seats, at most 21 spare"),
        ("4", "{percent: 10, seats: 5}", "at least 4, at most 10% of the seats (5 if that is more) spare"),
        ("2%", "10%", "at least 2%, at most 10% spare"),
        ("4", "21", "at least 4, at most 21 spare"),
        (None, "10%", "at most 10% spare"),
    ],
)
def test_percentage_beside_a_number_is_one_of_the_seats(minimum: str | None, maximum: str, text: str) -> None:
    assert limits({"minimum": minimum, "maximum": maximum}, EN) == text


def test_product_that_nobody_can_be_assigned_has_no_spare_seats() -> None:
    context = Context.of_tenant(contoso(), {}, EN)
    licence = next(seats for seats in contoso().seats if seats.applies_to == "User" and seats.spare)
    storage = seat_row(replace(licence, applies_to="Company"), context)
    assert seat_row(licence, context).spare == EN.number(licence.spare)
    assert (storage.usable, storage.spare, storage.spare_text) == (EN.number(licence.usable), "\u2013", "\u2013 spare")


def test_evidence_is_described_in_words() -> None:
    seats = next(finding for finding in contoso().findings if finding.policy == "e3-spare")
    assert (
        evidence_text(seats, EN)
        == "620 usable · 541 assigned · 79 spare · allowed: at least 5, at most 5% of the seats spare"
    )
    assert (
        evidence_text(FIRST, EN)
        == "sign-in blocked · Store · NL · assigned: group c0ffee00-77aa-4b1d-9d31-5f0a7e2b6c11"
    )
    renewal = next(finding for finding in contoso().findings if finding.policy == "renewals")
    assert evidence_text(renewal, EN) == "90 seats purchased · next lifecycle date 14 Dec 2026 · state Expired"
    assert (
        evidence_text(result().fleet.findings[0], EN)
        == "too few in fabrikam (4 spare) · too many in contoso (79 spare)"
    )
    group = replace(FIRST, evidence={"hasMembersWithLicenseErrors": True, "licenseProcessingState": "Queued"})
    assert evidence_text(group, EN) == "members with licence errors · processing: Queued"


@pytest.mark.parametrize(
    ("kind", "language", "text"),
    [
        ("shared", "en", "shared mailbox"),
        ("Room", "nl", "ruimtepostvak"),
        ("equipment", "tr", "donan\u0131m posta kutusu"),
        ("linked", "de", "Postfach (linked)"),
    ],
)
def test_kinds_of_mailboxes_are_translated(kind: str, language: str, text: str) -> None:
    assert evidence_text(replace(FIRST, evidence={"mailboxType": kind}), Labels(language)) == text


def test_last_sign_in_is_the_latest_and_ignores_year_one() -> None:
    assert (
        last_sign_in(
            {
                "lastSignInDateTime": "2026-01-01T00:00:00Z",
                "lastNonInteractiveSignInDateTime": "2026-02-01T00:00:00Z",
                "lastSuccessfulSignInDateTime": None,
            }
        )
        == "2026-02-01T00:00:00Z"
    )
    assert last_sign_in({"lastSignInDateTime": "0001-01-01T00:00:00Z", "lastNonInteractiveSignInDateTime": ""}) is None


def test_verdict_is_nothing_evaluated_if_no_policy_applies() -> None:
    person = user("ann", accountEnabled=False)
    policies = "policies:\n- {id: p, severity: low, tenants: [TENANT], users: {}, assignments: {allow: []}}\n"
    evaluated = audited(policies.replace("TENANT", "contoso"), tenant(person))
    assert verdict(evaluated, EN) == "Everything complies with the policies."
    elsewhere = audited(policies.replace("TENANT", "elsewhere"), tenant(person))
    assert verdict(elsewhere, EN) == "Nothing was evaluated: no policy applies to a tenant of this run."


def test_verdict_of_an_empty_shard_says_that_it_has_no_tenants() -> None:
    empty = replace(audited("policies:\n- {id: p, severity: low, health: {errors: deny}}\n"), tenants=())
    expected = "Nothing was evaluated: the run, or its part of the tenants (--shard), has no tenants."
    assert verdict(empty, EN) == expected


def test_bounds_are_formatted_in_the_language() -> None:
    bounds = ("12000", "5%", "2.5%", "{percent: 10, seats: 5000}")
    assert [Labels("de").bound(text) for text in bounds] == [
        "12.000",
        "5\xa0%",
        "2,5\xa0%",
        "10\xa0% (5.000, wenn das mehr ist)",
    ]


def test_numbers_dates_and_money_are_formatted() -> None:
    assert (EN.number(1234567), EN.number(-2), EN.number(None)) == ("1,234,567", "\u22122", "\u2013")
    assert EN.instant(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "2 Jan 2026, 03:04 UTC"
    assert EN.written_date("yesterday") == "yesterday"
    assert EN.money(Decimal("-0.5"), "EUR") == "\u2212€0.50"
    assert EN.language == "en"
    assert Labels("xx").language == "en"


@given(st.text())
def test_visible_is_idempotent_and_escapes_control_characters(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    if shown == text:
        assert not set(text) & set("\x00\x1b\n\u202e\u2066\u2028")


def test_visible_escapes_every_control_and_direction_character() -> None:
    controls = [*range(0x20), *range(0x7F, 0xA0)]
    directions = [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    for point in (*controls, *directions, 0x2028, 0x2029, *range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF):
        assert visible(f"Zoë{chr(point)}") == (f"Zoë\\x{point:02x}" if point < 0x100 else f"Zoë\\u{point:04x}")


def test_visible_keeps_joined_emoji_and_characters_of_keep() -> None:
    assert visible("👩\u200d💻 ş") == "👩\u200d💻 ş"
    assert visible("a\nb\u202e", keep="\n") == "a\nb\\u202e"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en", ["critical", "high", "medium", "low", "info"]),
        ("da", ["kritiske", "høje", "middel", "lave", "info"]),
        ("sv", ["kritiska", "höga", "medel", "låga", "info"]),
    ],
)
def test_severity_label_depends_on_the_number(locale: str, expected: list[str]) -> None:
    l10n = Labels(locale)
    assert [l10n.severity_name(severity, 2) for severity in Severity] == expected
    assert [l10n.severity_name(severity, 1) for severity in Severity] == [
        l10n.gettext(SEVERITIES[severity]) for severity in Severity
    ]
    sample = result()
    open_ = {severity: number for number, severity in enumerate(Severity, start=1)}
    view = page(replace(sample, summary=replace(sample.summary, open=open_)), l10n)
    assert [tile.label for tile in view.counts] == [
        l10n.severity_name(severity, number) for severity, number in open_.items()
    ]


@pytest.mark.parametrize(
    ("limit", "expected"), [(15, "Some data is…"), (13, "Some data is…"), (12, "Some data…"), (14, "Some data is…")]
)
def test_long_line_is_cut_after_a_word(limit: int, expected: str) -> None:
    assert single_line("Some data  is\nexcluded", limit) == expected
    assert single_line("x" * 20, limit) == "x" * (limit - 1) + "…"
