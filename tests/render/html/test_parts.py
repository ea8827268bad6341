"""The small parts of reports: sums of money, bars of seats, evidence in words, controls made visible."""

from csv import DictReader
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.actions.money import Money
from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.result.finding import Finding, Subject
from auditor.domain.result.model import SeatBounds
from auditor.findings.facts import last_sign_in
from auditor.findings.stats import sums
from auditor.findings.table import FindingTable
from auditor.render import render
from auditor.render.html.charts.seat_chart import WIDTH, bound, picture
from auditor.render.html.page import page
from auditor.render.html.rows import Context, seat_row
from auditor.render.html.view import SeatRow
from auditor.render.text.evidence.evidence import described
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.sanitize import visible
from auditor.render.text.summary import verdict
from auditor.result.aggregate import freed, money, priced_whole
from auditor.result.codec.result_reader import load
from tests.builders.result.results import contoso, result
from tests.builders.tenant.tenants import audited, bought, tenant, user

WORDS = Labels("en")
FIRST = next(finding for finding in contoso().findings if finding.policy == "leavers")


def test_a_seat_that_two_policies_find_counts_once() -> None:
    other = replace(FIRST, policy="inactive", fingerprint="other")
    assert FIRST.money is not None
    assert sums((FIRST, other)) == {"EUR": FIRST.money.per_month}
    someone = replace(other, subject=Subject(type=SubjectType.USER, id="someone", name=""))
    assert sums((FIRST, someone)) == {"EUR": 2 * FIRST.money.per_month}


def test_waived_findings_and_budgets_are_no_money() -> None:
    budget = replace(FIRST, check="budget.exceeded")
    assert sums((replace(FIRST, status=Status.WAIVED), budget)) == {}


def test_currencies_are_never_added_up() -> None:
    crowns = replace(
        FIRST,
        money=Money(currency="DKK", per_month=Decimal(10)),
        subject=Subject(type=SubjectType.USER, id="x", name=""),
    )
    assert list(sums((FIRST, crowns))) == ["DKK", "EUR"]
    assert WORDS.sums({"DKK": Decimal(10), "EUR": Decimal("1234.5")}) == "DKK\u00a010.00 + €1,234.50"


def test_the_run_s_money_is_that_of_its_tenants() -> None:
    whole = result()
    assert money(whole) == money(whole.tenants[0])
    assert not priced_whole(whole)


def test_sums_are_of_cents_as_tables_and_saved_results_tell_them() -> None:
    people = [user(f"u{number}", "SPE_E3", accountEnabled=False) for number in range(3)]
    state = tenant(*people, subscribedSkus=[bought("SPE_E3", 33, 3)])
    prices = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.705}}\n"
    leavers = "- {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {allow: []}}\n"
    whole = audited(f"policies:\n{leavers}{prices}", state)
    assert money(whole) == {"EUR": 3 * Decimal("35.71")}
    saved = load(b"".join(render(whole, "json", locale="en").chunks()))
    assert (money(saved), freed(saved)) == (money(whole), freed(whole))
    rows = list(DictReader(b"".join(render(whole, "csv", locale="en").chunks()).decode().splitlines()))
    assert sum(Decimal(row["perMonth"]) for row in rows) == money(whole)["EUR"]
    assert "€107.13" in page(whole, WORDS).figures[0].amount


@pytest.mark.parametrize(
    ("written", "seats"),
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
def test_bounds_are_read_as_policies_write_them(written: str, seats: int | None) -> None:
    assert bound(written, 200) == seats


@given(
    st.none() | st.integers(-5, 10**7),
    st.none() | st.integers(-5, 10**7),
    st.none() | st.integers(-5, 10**7),
    st.sampled_from([None, "0", "5", "5%", "100%"]),
    st.sampled_from([None, "0", "5", "5%", "100%"]),
)
def test_a_bar_never_leaves_its_box(
    usable: int | None, consumed: int | None, warning: int | None, least: str | None, most: str | None
) -> None:
    bar = picture(usable=usable, consumed=consumed, warning=warning, facts={"minimum": least, "maximum": most})
    if bar is None:
        assert usable is None or consumed is None or max(usable, consumed) <= 0
        return
    assert usable is not None
    assert consumed is not None
    assert 0 <= bar.assigned <= bar.usable <= bar.usable + bar.over <= WIDTH
    assert 0 <= bar.grace <= bar.usable
    assert bar.over == 0 or consumed > usable
    assert bar.zone is None or 0 <= bar.zone[0] <= bar.zone[1] <= WIDTH


def test_a_product_is_drawn_with_its_own_bounds_before_those_of_some_of_its_people() -> None:
    there = contoso()
    known = next(each for each in there.findings if each.check == "seats.above-maximum")
    facts = {name: value for name, value in known.evidence.items() if name not in {"adjust", "bound", "minimum"}}
    quota = replace(
        known, check="seats.quota-exceeded", policy="quota", evidence={**facts, "assigned": 9, "maximum": 8}
    )
    (seats,) = [each for each in there.seats if known.product is not None and each.sku_id == known.product.sku_id]

    def drawn(*findings: Finding) -> SeatRow:
        return seat_row(seats, Context.of_tenant(replace(there, findings=FindingTable.of(findings)), {}, WORDS))

    alone, both = drawn(known), drawn(quota, known)
    assert (both.state, both.advice, both.limits) == (alone.state, alone.advice, alone.limits)
    assert both.picture == alone.picture
    assert both.picture is not None
    assert both.picture.zone is not None
    worse = drawn(replace(quota, severity=Severity.CRITICAL), known)
    assert (worse.state, worse.advice, worse.limits) == ("quota exceeded", "", "at most 8 assigned")
    assert worse.picture is not None
    assert worse.picture.zone is None


def test_a_product_inside_its_limits_is_drawn_with_the_tightest_of_all_policies() -> None:
    there = contoso()
    known = next(each for each in there.seats if each.sku_part_number == "SPE_E5")
    assert (known.usable, known.consumed) == (180, 177)

    def drawn(*bounds: tuple[int, int | None, int | None]) -> tuple[str, tuple[int, int] | None]:
        carried = tuple(
            SeatBounds(policy="p", usable=usable, minimum=least, maximum=most) for usable, least, most in bounds
        )
        row = seat_row(
            replace(known, bounds=carried), Context.of_tenant(replace(there, findings=FindingTable.of(())), {}, WORDS)
        )
        assert row.severity is None
        assert row.picture is not None
        return row.limits, row.picture.zone

    assert drawn() == ("", None)
    assert drawn((180, 0, None)) == ("", None)  # what the end of the bar says anyway
    assert drawn((180, 3, None)) == ("at least 3 spare", (0, 236))
    assert drawn((180, 0, 30)) == ("at most 30 spare", (200, 240))
    assert drawn((180, 0, 30), (180, 3, 60)) == ("at least 3, at most 30 spare", (200, 236))
    # Three beside the grace seats that a policy ignores are more beside all.
    assert drawn((170, 0, 20)) == ("at least 10, at most 30 spare", (200, 227))
    assert drawn((180, 60, None), (180, None, 30)) == ("", None)  # no number keeps both


def test_the_page_tells_the_limits_of_a_product_that_is_inside_them() -> None:
    there = contoso()
    carried = (SeatBounds(policy="p", usable=180, minimum=3, maximum=None),)
    seats = tuple(replace(each, bounds=carried) if each.sku_part_number == "SPE_E5" else each for each in there.seats)
    whole = replace(result(), tenants=(replace(there, seats=seats),))
    page = b"".join(render(whole, "html", locale="en").chunks()).decode()
    drawn = page[page.index('<tr><th scope="row">Microsoft 365 E5</th>') :]
    drawn = drawn[: drawn.index("</tr>")]
    assert 'aria-label="177 of 180 seats assigned, at least 3 spare"' in drawn
    assert '<path class="zone" d="M0 15v4H236v-4"/>' in drawn
    assert drawn.endswith('<span class="quiet">no finding<br><small>at least 3 spare</small></span></td>')


def test_evidence_is_reported_in_words() -> None:
    seats = next(finding for finding in contoso().findings if finding.policy == "e3-spare")
    assert described(seats, WORDS) == "620 usable · 541 assigned · 79 spare · allowed: at least 5, at most 5% spare"
    assert (
        described(FIRST, WORDS) == "sign-in blocked · Store · NL · assigned: group c0ffee00-77aa-4b1d-9d31-5f0a7e2b6c11"
    )
    renewal = next(finding for finding in contoso().findings if finding.policy == "renewals")
    assert described(renewal, WORDS) == "90 seats bought · next date 14 Dec 2026 · state Expired"
    assert (
        described(result().fleet.findings[0], WORDS) == "too few in fabrikam (4 spare) · too many in contoso (79 spare)"
    )
    group = replace(FIRST, evidence={"hasMembersWithLicenseErrors": True, "licenseProcessingState": "Queued"})
    assert described(group, WORDS) == "members in error · processing: Queued"


def test_the_latest_sign_in_counts_and_the_year_one_is_none() -> None:
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


def test_a_run_that_judged_nothing_never_says_that_all_is_well() -> None:
    person = user("ann", accountEnabled=False)
    policies = "policies:\n- {id: p, severity: low, tenants: [TENANT], users: {}, assignments: {allow: []}}\n"
    judged = audited(policies.replace("TENANT", "contoso"), tenant(person))
    assert verdict(judged, WORDS) == "Everything complies with the policies."
    for whole in (audited(policies.replace("TENANT", "elsewhere"), tenant(person)), replace(judged, tenants=())):
        assert verdict(whole, WORDS).startswith("Nothing was evaluated")


def test_bounds_are_written_as_other_numbers_are() -> None:
    expected = ("12000", "5%", "2.5%", "{percent: 10, seats: 5000}")
    assert [Labels("de").bound(each) for each in expected] == [
        "12.000",
        "5\xa0%",
        "2,5\xa0%",
        "10\xa0% (5.000, wenn das mehr ist)",
    ]


def test_words_of_numbers_and_dates() -> None:
    assert (WORDS.number(1234567), WORDS.number(-2), WORDS.number(None)) == ("1,234,567", "\u22122", "\u2013")
    assert WORDS.instant(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "2 Jan 2026, 03:04 UTC"
    assert WORDS.written_date("yesterday") == "yesterday"
    assert WORDS.money(Decimal("-0.5"), "EUR") == "\u2212€0.50"
    assert WORDS.language == "en"
    assert Labels("xx").language == "en"


@given(st.text())
def test_visible_leaves_nothing_that_acts_and_everything_else(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    if shown == text:
        assert not set(text) & set("\x00\x1b\n\u202e\u2066\u2028")


def test_visible_writes_out_every_character_that_acts() -> None:
    controls = [*range(0x20), *range(0x7F, 0xA0)]
    turning = [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    for point in (*controls, *turning, 0x2028, 0x2029, *range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF):
        assert visible(f"Zoë{chr(point)}") == (f"Zoë\\x{point:02x}" if point < 0x100 else f"Zoë\\u{point:04x}")


def test_visible_keeps_joined_emoji_and_given_characters() -> None:
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
def test_a_severity_beside_a_number_takes_its_form(locale: str, expected: list[str]) -> None:
    l10n = Labels(locale)
    assert [l10n.graded(each, 2) for each in Severity] == expected
    assert [l10n.graded(each, 1) for each in Severity] == [l10n.gettext(SEVERITIES[each]) for each in Severity]
    whole = result()
    open_ = {severity: number for number, severity in enumerate(Severity, start=1)}
    shown = page(replace(whole, summary=replace(whole.summary, open=open_)), l10n)
    assert [tile.label for tile in shown.counts] == [l10n.graded(each, number) for each, number in open_.items()]
