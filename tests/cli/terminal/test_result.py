"""The terminal summary: content, order, line width, and escaping of control characters."""

import re
from io import StringIO

import pytest
from msgspec.structs import replace
from rich.console import Console

from auditor.cli.terminal.result import terminal, terminal_text
from auditor.domain.enums import Outcome
from auditor.domain.message import Message
from auditor.domain.result.model import FleetResult, PolicyOutcome, Result
from auditor.findings.table import FindingTable
from auditor.render.view.content import PageContent
from auditor.result import ranking
from auditor.result.aggregate import summarise
from auditor.result.seats import free_part_numbers
from tests.builders.result.audited_demo import contoso, demo_result
from tests.builders.result.results import compared, result
from tests.golden.compare import check

HOSTILE = "[red]x[/red] \x1b[2J\r\n\u202e:smile: [link=http://evil]"


def printed(
    audit: Result,
    *,
    width: int = 80,
    color: bool = False,
    paths: tuple[str, ...] = ("out/report.html",),
    locale: str = "en",
) -> str:
    stream = StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=color,
        no_color=not color,
        color_system="truecolor" if color else None,
        legacy_windows=False,
    )
    terminal(PageContent(audit, locale), console, paths=paths)
    return stream.getvalue()


def test_terminal_summary_matches_the_golden_file() -> None:
    check("terminal.txt", printed(compared()).encode())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("locale", "amount"), [("nl", "€ 61,60"), ("da", "61,60 €"), ("sv", "61,60 €"), ("de", "61,60 €")]
)
def test_no_break_spaces_of_amounts_are_printed_as_spaces(locale: str, amount: str) -> None:
    text = printed(demo_result(), locale=locale, width=120)
    assert amount in text
    assert "\\xa0" not in text
    assert "\\u202f" not in text


@pytest.mark.slow
def test_titles_of_lists_name_the_tenant_only_if_there_are_several() -> None:
    audit = demo_result()
    assert audit.fleet.policies, "the policies across tenants are a section of their own"
    single = printed(replace(audit, tenants=audit.tenants[:1]))
    assert "\nBy cost centre\n" in single
    assert "\nBy cost centre, Contoso Retail\n" in printed(audit)


def test_worst_tenant_comes_first_and_tenants_with_the_same_display_name_are_told_apart() -> None:
    worst, other = result().tenants
    tenants = (replace(other, name="a", display_name="Same"), replace(worst, name="b", display_name="Same"))
    text = printed(replace(result(), tenants=tenants))
    assert 0 < text.index("Seats, b (Same)") < text.index("Seats, a (Same)")
    assert "b (Same), " in text.partition("What to do first")[2]


def test_seat_bar_is_full_only_if_no_seat_is_spare() -> None:
    tenant = replace(result().tenants[0], findings=FindingTable.of(()), actions=())
    (seat, *_) = [row for row in tenant.seats if row.applies_to == "User"]
    full_cells = {(1, 40): 1, (29, 60): 6, (34, 37): 11, (60, 60): 12}
    for (consumed, usable), cells in full_cells.items():
        row = replace(seat, usable=usable, consumed=consumed, spare=usable - consumed, bounds=())
        changed = replace(tenant, seats=(row,))
        assert printed(replace(result(), tenants=(changed,))).count("█") == cells


def test_rows_of_tenants_beyond_the_listed_tenants_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "MAX_LISTED_TENANTS", 1)
    unknown = PolicyOutcome(id="p", status=Outcome.NOT_EVALUATED, findings=0, reason=Message("who knows"))
    tenant = replace(result().tenants[0], findings=FindingTable.of(()), actions=(), policies=(unknown,), complete=False)
    tenants = tuple(replace(tenant, name=f"t{number}") for number in range(3))
    text = printed(replace(result(), tenants=tenants, fleet=FleetResult(), summary=summarise(tenants)))
    seats = 3 * len(tenant.seats) - min(15, len(tenant.seats))
    assert re.findall(r"(\d+) more in the reports", text) == [str(seats), "8"]
    assert "t2 (" in text.partition("Not evaluated")[2], "causes are those of all tenants"


@pytest.mark.slow
def test_tenants_beyond_the_listed_tenants_are_counted_below_lists_by_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "MAX_LISTED_TENANTS", 4)
    tenants = tuple(replace(contoso(), name=f"t{number}") for number in range(6))
    text = printed(replace(demo_result(), tenants=tenants, summary=summarise(tenants)))
    assert text.count("  3 more tenants in the reports") == 4, "coverage, usage, smaller products, and one of units"


@pytest.mark.slow
def test_cause_that_several_tenants_have_is_printed_once() -> None:
    unknown = PolicyOutcome(id="p", status=Outcome.NOT_EVALUATED, findings=0, reason=Message("who knows"))
    tenant = replace(result().tenants[0], findings=FindingTable.of(()), actions=(), policies=(unknown,), complete=False)
    tenants = tuple(replace(tenant, name=f"t{number}", display_name=f"Tenant {number}") for number in range(6))
    text = printed(replace(result(), tenants=tenants, fleet=FleetResult(), summary=summarise(tenants)), width=120)
    lines = [line.strip() for line in text.splitlines() if "who knows" in line]
    assert lines == ["all 6 tenants: p  who knows"]


@pytest.mark.slow
def test_no_line_is_wider_than_the_terminal() -> None:
    for width in (40, 60, 80, 120):
        assert max(map(len, printed(compared(), width=width).splitlines())) <= width


@pytest.mark.slow
def test_summary_is_coloured_only_on_a_colour_console() -> None:
    assert "\x1b[" not in printed(result())
    assert "\x1b[" in printed(result(), color=True)


def test_long_report_path_is_not_wrapped() -> None:
    path = "out/" + "x" * 120 + "/report.html"
    assert path in printed(result(), paths=(path,))


def test_markup_and_control_characters_in_tenant_texts_are_escaped() -> None:
    tenant = result().tenants[0]
    hostile = replace(
        tenant,
        name=HOSTILE,
        display_name=HOSTILE,
        failure=None,
        seats=(replace(tenant.seats[0], name=HOSTILE),),
        actions=(replace(tenant.actions[0], title=HOSTILE),),
        policies=(replace(tenant.policies[0], status=Outcome.NOT_EVALUATED, reason=Message(HOSTILE)),),
    )
    text = printed(replace(result(), tenants=(hostile,), summary=summarise((hostile,))), paths=(HOSTILE,), width=200)
    assert "[red]x[/red] \\x1b[2J\\x0d\\x0a\\u202e:smile: [link=http://evil]" in text
    assert not set(text) & set("\x1b\r\u202e")


def test_products_outside_their_limits_are_first_and_at_most_fifteen_are_shown() -> None:
    tenant = result().tenants[0]
    large = replace(
        tenant, seats=tuple(replace(tenant.seats[7], sku_id=f"id{number}") for number in range(20)) + tenant.seats
    )
    text = printed(replace(result(), tenants=(large,)))
    assert text.index("Visio Plan 2") < text.index("Microsoft 365 E3") < text.index("Microsoft Power")
    assert "14 more in the reports" in text
    assert text.count("Microsoft Power") == 15 - (len(tenant.seats) - 1), "free products are last"


def test_failed_tenant_is_reported_first() -> None:
    failed = replace(
        result().tenants[1], failure=Message("Graph did not answer"), complete=False, policies=(), seats=()
    )
    text = printed(replace(result(), tenants=(failed,), summary=summarise((failed,))))
    assert text.startswith("The tenant could not be audited.")
    assert "Fabrikam Logistik A/S could not be audited: Graph did not answer" in text


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("locale", ["nl", "da", "sv", "de"])
def test_amounts_of_lists_about_seats_are_complete_and_on_one_line(locale: str, width: int) -> None:
    text = printed(demo_result(), locale=locale, width=width)
    lists = text[text.index("Entra ID P1") :]
    assert re.search(r"€ *\n *\d|\d *\n *€|\d *\n *\d+,\d", lists) is None
    for amount in ("61,60", "436,80"):
        assert amount in lists


def test_free_products_are_last_and_cost_centres_show_their_cost() -> None:
    fleet_result = result()
    tenant = fleet_result.tenants[0]
    assert tenant.departments is not None
    centre = replace(tenant.departments.companies[0], name="=4711")
    changed = replace(
        tenant, departments=replace(tenant.departments, cost_centers=(centre,)), findings=FindingTable.of(())
    )
    single_tenant_result = replace(fleet_result, tenants=(changed,), fleet=FleetResult())
    text = terminal_text(PageContent(single_tenant_result, "en"), paths=()).decode()
    free = free_part_numbers()
    paid = [seat.name for seat in changed.seats if seat.sku_part_number.casefold() not in free]
    rows = [
        line.split("  ")[1].strip()
        for line in text.partition("Spare  Finding")[2].partition("\n\n")[0].splitlines()[1:]
    ]
    assert len(paid) < len(changed.seats)
    assert all(name.rstrip("…") in "\n".join(paid) for name in rows[: len(paid)])
    lines = text.partition("\nBy cost centre\n")[2].splitlines()
    assert lines[0] == "  =4711: €27,060.00 a month, 902 assigned, 50 idle for 90 days (€1,500.00 a month)"
    assert lines[1] == "  Spare: €2,820.30 a month, 137 seats"
