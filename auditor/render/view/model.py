"""The view model of the page: all texts are already formatted, so that the template only arranges them."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from auditor.domain.actions.action import Action
from auditor.domain.actions.priority import Weight
from auditor.domain.enums import Change, Outcome, Severity
from auditor.domain.result.model import Coverage, Notice, PolicyOutcome, Run, Summary
from auditor.render.text.figures import MoneyFigure
from auditor.render.text.waivers import WaiverRow
from auditor.render.view.curves import Trend
from auditor.render.view.seat_chart import SeatBar
from auditor.render.view.usage import SmallerProducts, UnitTable, UsageTable


class Row(Struct, frozen=True, kw_only=True, eq=False):
    """One finding in a table."""

    anchor: str
    name: str
    address: str
    problem: str
    """The product and what is wrong."""
    evidence: str
    money: str
    waiver: str | None
    """Id of the waiver; None if the finding is not waived."""
    change: Change | None


class PolicyGroup(Struct, frozen=True, kw_only=True, eq=False):
    """The findings of one policy."""

    anchor: str
    policy: str
    title: str
    severity: Severity
    rationale: str
    owner: str
    frameworks: tuple[str, ...]
    references: tuple[tuple[str, str], ...]
    """Title and address of each page; the address is empty if it must not become a link."""
    source: str
    open: int
    waived: int
    report_only: int
    """Findings that do not count because the policy is report-only."""
    new: int
    money: str
    common_problem: str
    """What is wrong, if there are several findings and it is the same for all of them; else empty."""
    rows: tuple[Row, ...]
    more: int
    """Number of findings that are not in `rows`."""
    more_than_listed: int
    """Number of these that are not in the page's table of findings either."""
    has_action: bool
    """Whether an action resolves one of the rows."""


class SeatRow(Struct, frozen=True, kw_only=True, eq=False):
    """The seats of one product."""

    name: str
    part_number: str
    usable: str
    consumed: str
    spare: str
    spare_text: str
    """The same number in words."""
    seat_bar: SeatBar | None
    severity: Severity | None
    """Severity of the worst open finding about its seats; None if there is none."""
    state: str
    """The check of this finding, or of one that does not count, with its status; empty if there is none."""
    limits: str
    advice: str


class OutcomeRow(Struct, frozen=True, kw_only=True, eq=False):
    """The outcome of one policy."""

    outcome: PolicyOutcome
    title: str
    rationale: str
    findings: int | None
    """The number of its findings; None if it was not evaluated and has none."""
    anchor: str | None
    """Anchor of its findings on the page; None if there are none."""


class ChangeLine(Struct, frozen=True, kw_only=True, eq=False):
    """A finding that changed, in one line."""

    change: str
    """The kind of change, in words."""
    text: str
    anchor: str | None
    """None for a fixed finding, which is no longer on the page."""


class TimelineDate(Struct, frozen=True, kw_only=True, eq=False):
    """A subscription or contract date on the timeline."""

    name: str
    date: str
    state: str
    summary: str
    consequence: str
    """What happens on the date if nobody decides before it; empty without an open finding."""
    severity: Severity | None
    """Severity of its worst open finding; None if there is none."""
    anchor: str | None
    """Anchor of that finding."""
    offset: int
    """Position on the timeline, in units of its view box."""


class Timeline(Struct, frozen=True, kw_only=True, eq=False):
    """Renewals of one tenant, soonest first, and the ticks of the axis."""

    renewals: tuple[TimelineDate, ...]
    more: int
    """Number of subscriptions without a finding that are left out: too far ahead, or too many."""
    start: str
    """The day of the audit, at which the axis begins."""
    end: str
    ticks: tuple[tuple[int, str], ...]
    """Position and month."""
    date_range: str
    """First and last day, as a text alternative."""


class RankedAction(Struct, frozen=True, kw_only=True, eq=False):
    """An action, with its anchor and rank on the page."""

    anchor: str
    action: Action
    plan_index: int
    """Its index among the actions in the order of the plan."""
    money: str
    due: str
    """The day by which to decide, in words; empty if there is no date."""
    why: str
    """Why it has its rank; empty if severity, money and date show that."""
    weight: Weight


class TenantSection(Struct, frozen=True, kw_only=True, eq=False):
    """One tenant, or the fleet."""

    anchor: str
    name: str
    title: str
    facts: tuple[str, ...] = ()
    failure: str | None = None
    open: int
    complete: bool
    money: str = ""
    counts: tuple[tuple[Severity, int], ...]
    changes: tuple[ChangeLine, ...]
    """Findings that changed since the previous run."""
    more_changes: int
    actions: tuple[RankedAction, ...]
    more_actions: int
    """Number of actions that are not shown."""
    seats: tuple[SeatRow, ...] = ()
    usage: UsageTable | None = None
    units: tuple[UnitTable, ...] = ()
    smaller: SmallerProducts | None = None
    coverage: tuple[str, ...] = ()
    """One line per policy: how many people need a seat, and how many seats there are."""
    timeline: Timeline | None = None
    groups: tuple[PolicyGroup, ...]
    outcomes: tuple[OutcomeRow, ...]
    sources: tuple[Coverage, ...] = ()
    notices: tuple[Notice, ...]

    @property
    def unevaluated(self) -> list[OutcomeRow]:
        """The policies that were not evaluated."""
        return [row for row in self.outcomes if row.outcome.status is Outcome.NOT_EVALUATED]


class Highlight(Struct, frozen=True, kw_only=True, eq=False):
    """One of the most important actions or policies."""

    anchor: str
    title: str
    severity: Severity
    section: str
    """Name of the tenant; empty for the fleet."""
    tenant: str
    """Title of the tenant, if there are several; else empty."""
    elsewhere: str = ""
    """In how many other tenants the same is to be done; empty if in none."""
    count: int
    """Number of findings."""
    money: str
    """Amount per month, in words."""
    due: str = ""
    """The day by which to decide, in words; empty if there is no date."""
    why: str = ""
    """Why it is important."""
    movement: str = ""
    """Effect of all actions on the seats that this one buys or removes; empty for other actions."""
    note: str = ""
    """How the number of seats and the amount come about, in addition to `movement`; empty for other actions."""
    who: str
    """The role that can do it, or the owner of the policy."""
    first: str
    """The first step, or the rationale of the policy."""


class Tile(Struct, frozen=True, kw_only=True, eq=False):
    """A count and its label."""

    count: int | None
    """None if it is not known, because no tenant was audited."""
    label: str
    key: str


class Page(Struct, frozen=True, kw_only=True, eq=False):
    """The whole report."""

    language: str
    requested_language: str | None
    """The requested language, if the page is in English because there is no translation; else None."""
    title: str
    run: Run
    summary: Summary
    verdict: str
    plan: tuple[str, ...]
    """The progress of an earlier plan, in sentences; empty if none is known."""
    unknown_names: tuple[str, ...]
    """Sentences about names in the policies that do not exist."""
    complete: bool
    completeness: tuple[str, ...]
    changes: tuple[Tile, ...]
    unconfirmed: int
    counts: tuple[Tile, ...]
    shares: tuple[tuple[str, int, int], ...]
    """The counts as a stacked bar: key, offset and length of each part, in units of a view box of 300."""
    money: str
    figures: Sequence[MoneyFigure]
    lower_bound: bool
    trends: tuple[Trend, ...]
    waivers: tuple[WaiverRow, ...]
    highlights: tuple[Highlight, ...]
    sections: tuple[TenantSection, ...]
    listed_tenants: int
    """Number of tenants whose findings and actions the report lists: the worst ones."""
    tenants: int
    tool: str
    people: int
    checked: date | None
    """The oldest day on which the shown guidance was compared with its sources; None if unknown."""
