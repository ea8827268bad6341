"""What the page shows, as plain values: texts are said and counted here, so that the template only places them."""

from datetime import date, datetime

from msgspec import Struct

from auditor.domain.enums import Change, Outcome, Severity, SourceStatus
from auditor.domain.result.model import Notice
from auditor.render.html.action_view import Step
from auditor.render.html.charts.curves import Trend
from auditor.render.html.charts.seat_chart import Picture
from auditor.render.html.seat_lines import SmallerProducts
from auditor.render.html.usage import UnitTable, UsageTable
from auditor.render.text.waivers import WaiverRow


class Row(Struct, frozen=True, kw_only=True, eq=False):
    """One finding in a table."""

    anchor: str
    name: str
    address: str
    what: str
    evidence: str
    money: str
    waiver: str | None
    change: Change | None


class Group(Struct, frozen=True, kw_only=True, eq=False):
    """The findings of one policy."""

    anchor: str
    policy: str
    title: str
    severity: Severity
    rationale: str
    owner: str
    frameworks: tuple[str, ...]
    references: tuple[tuple[str, str], ...]
    """Titles and addresses; an address that cannot be a link is empty."""
    source: str
    open: int
    waived: int
    report_only: int
    """Findings that do not count, as the policy is report-only."""
    new: int
    money: str
    what: str
    """What is wrong, where there are several findings and all of them say the same; else empty."""
    rows: tuple[Row, ...]
    more: int
    """Findings that are no rows."""
    unshown: int
    """Of these, findings that are not in the page's table either."""
    has_action: bool
    """Whether an action mends one of the rows."""


class SeatRow(Struct, frozen=True, kw_only=True, eq=False):
    """One product."""

    name: str
    part_number: str
    usable: str
    consumed: str
    spare: str
    picture: Picture | None
    severity: Severity | None
    """That of the worst open finding about its seats; None where there is none."""
    state: str
    limits: str
    advice: str


class OutcomeRow(Struct, frozen=True, kw_only=True, eq=False):
    """What one policy came to."""

    policy: str
    title: str
    severity: Severity
    rationale: str
    status: Outcome
    report_only: bool
    findings: int
    reason: str
    missing: tuple[str, ...]
    judged: str
    """How many people, products, subscriptions or groups it looked at."""
    nothing: bool
    """Whether it was evaluated and looked at nothing at all."""
    anchor: str | None
    """Where its findings stand on the page."""


class SourceRow(Struct, frozen=True, kw_only=True, eq=False):
    """What was read of one source."""

    name: str
    status: SourceStatus
    state: str
    count: str
    read_at: str
    reason: str


class Line(Struct, frozen=True, kw_only=True, eq=False):
    """A finding that changed, in one line."""

    mark: str
    severity: Severity
    text: str
    anchor: str | None
    """None for what is no longer on the page."""


class Renewal(Struct, frozen=True, kw_only=True, eq=False):
    """A subscription on the line of time."""

    name: str
    date: str
    state: str
    summary: str
    happens: str
    """What happens on the date where nobody decides before it; shown where there is an open finding."""
    severity: Severity | None
    """Of its worst open finding; None where there is none."""
    anchor: str | None
    """Of that finding."""
    offset: int
    """Along the line, in units of its view box."""


class Timeline(Struct, frozen=True, kw_only=True, eq=False):
    """Renewals of one tenant, soonest first, with the days that the line is marked with."""

    renewals: tuple[Renewal, ...]
    more: int
    """Subscriptions without a finding that are not among them: too far ahead, or too many."""
    start: str
    """The day of the audit, where the line begins."""
    ticks: tuple[tuple[int, str], ...]
    """Place and month."""
    whole: str
    """From when to when, for those who do not see it."""


class Section(Struct, frozen=True, kw_only=True, eq=False):
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
    lines: tuple[Line, ...]
    more_lines: int
    steps: tuple[Step, ...]
    more_steps: int
    """Actions that are not shown."""
    seats: tuple[SeatRow, ...] = ()
    usage: UsageTable | None = None
    units: tuple[UnitTable, ...] = ()
    smaller: SmallerProducts | None = None
    coverage: tuple[str, ...] = ()
    """People who need a seat, and seats, a line for each policy."""
    timeline: Timeline | None = None
    groups: tuple[Group, ...]
    outcomes: tuple[OutcomeRow, ...]
    sources: tuple[SourceRow, ...] = ()
    notices: tuple[Notice, ...]


class Highlight(Struct, frozen=True, kw_only=True, eq=False):
    """One of the few things that matter most."""

    anchor: str
    title: str
    severity: Severity
    tenant: str
    count: int
    """Findings."""
    money: str
    """With its period."""
    due: str
    """By when to decide; empty where there is no date."""
    why: str
    """Why it is among the few."""
    movement: str
    """What all actions do to the seats that it buys or removes; empty for another action."""
    who: str
    first: str


class Tile(Struct, frozen=True, kw_only=True, eq=False):
    """A count with the word for what it counts."""

    count: int
    label: str
    key: str


class EmbeddedData(Struct, frozen=True, kw_only=True, eq=False):
    """All findings as columns, for a script to draw."""

    count: int
    packed: bool
    """Whether the text is compressed (gzip)."""
    text: str
    """Everything but the fingerprints, in base64."""
    marks: str
    """The fingerprints, sixteen bytes each, in base64; empty where they stand among the rest."""


class Figure(Struct, frozen=True, kw_only=True, eq=False):
    """An amount of money with what it means."""

    label: str
    amount: str
    note: str


class Page(Struct, frozen=True, kw_only=True, eq=False):
    """The whole report."""

    language: str
    wished: str | None
    """The language that was asked for, where the page is in English for want of it."""
    title: str
    as_of: datetime
    verdict: str
    plan: tuple[str, ...]
    """What became of an earlier plan, in sentences; empty where none is known."""
    complete: bool
    completeness: tuple[str, ...]
    previous: datetime | None
    changes: tuple[Tile, ...]
    unconfirmed: int
    counts: tuple[Tile, ...]
    shares: tuple[tuple[str, int, int], ...]
    """The counts as a bar: key, place and length of each, in units of a view box of 300."""
    waived: int
    report_only: int
    """Findings of policies that are report-only."""
    money: str
    figures: tuple[Figure, ...]
    lower_bound: bool
    trends: tuple[Trend, ...]
    waivers: tuple[WaiverRow, ...]
    highlights: tuple[Highlight, ...]
    sections: tuple[Section, ...]
    full: int
    """Tenants that have a section: the others are not as bad."""
    tenants: int
    tool: str
    digest: str
    run: str
    redacted: bool
    """Whether pseudonyms stand for people."""
    passing: bool
    """Whether these pseudonyms are of this run only."""
    people: int
    checked: date | None
    """The oldest day on which guidance that is shown was held against its sources."""
