"""The view model of plan.html and plan.md: all texts are already formatted, so that they only arrange them."""

from datetime import date, datetime

from msgspec import Struct

from auditor.domain.actions.action import Action
from auditor.domain.enums import Severity
from auditor.guidance.parts import SharedGuidance


class CostRow(Struct, frozen=True, kw_only=True):
    """One monthly cost in one currency, before and after the plan."""

    label: str
    before: str
    after: str


class SeatValue(Struct, frozen=True, kw_only=True):
    """The monthly value of seats in one currency."""

    label: str
    amount: str


class AnswerView(Struct, frozen=True, kw_only=True):
    """A possible answer, in words and as items of decisions.yaml, one for each question."""

    label: str
    yaml: str


class QuestionView(Struct, frozen=True, kw_only=True):
    """An open question."""

    id: str
    text: str
    effect: str


class QuestionGroup(Struct, frozen=True, kw_only=True):
    """Open questions that have the same possible answers."""

    heading: str
    questions: tuple[QuestionView, ...]
    answers: tuple[AnswerView, ...]


class GuideView(Struct, frozen=True, kw_only=True):
    """How to carry out an action."""

    guidance: SharedGuidance
    script: str
    """The PowerShell lines that sign in and carry out the requests; empty without requests."""
    requests: str
    """The HTTP requests, in order."""


class ActionView(Struct, frozen=True, kw_only=True):
    """An action in a part of the page."""

    anchor: str
    number: int = 0
    action: Action | None = None
    """None for questions about findings without an action."""
    severity: Severity = Severity.INFO
    effects: tuple[str, ...] = ()
    """The effects on findings, seats and money."""
    policies: str = ""
    """The titles of the policies whose findings it fixes; empty without findings."""
    who: tuple[tuple[str, str], ...] = ()
    """Names and addresses of the subjects."""
    guide: GuideView | None = None
    """None if the action is shown elsewhere on the page, at `elsewhere`."""
    questions: tuple[QuestionGroup, ...] = ()
    """The questions that are shown here."""
    asked: int = 0
    """Number of questions."""
    elsewhere: str = ""
    """The anchor at which the action is shown in full, or its questions are."""


class PlanPagePart(Struct, frozen=True, kw_only=True):
    """A numbered part of the page about a tenant."""

    anchor: str
    number: int
    title: str
    note: str
    effects: tuple[str, ...]
    actions: tuple[ActionView, ...]


class FirstAction(Struct, frozen=True, kw_only=True):
    """One of the most important actions."""

    href: str
    title: str
    reasons: tuple[str, ...]
    """What it saves or costs, when to decide, and why it is important; each only if known."""
    place: str
    """Its number in the order of execution, as "Action 7"; in a list of several tenants, the title of its tenant."""
    elsewhere: str = ""
    """In how many other tenants the same is to be done; empty if in none."""


class TenantRow(Struct, frozen=True, kw_only=True):
    """One tenant, or the totals, in the table of tenants."""

    href: str
    """Link to the tenant's plan, on this page or on its own page; empty for the totals."""
    title: str
    failed: bool
    """Whether there is no plan, then every number is 0."""
    proven: bool
    complete: bool
    open_before: int
    open_after: int
    money: str
    """Monthly cost of open findings before the plan; empty without prices."""
    renewal: str
    """Monthly cost of the seats that can be removed at the renewal after the plan; empty without prices."""
    lower_bound: bool
    """Whether the price of some seat in the amounts is not known."""
    actions: int
    requests: int
    freed: int
    """Seats that the requests free."""
    questions: int
    """Open questions."""


class TenantView(Struct, frozen=True, kw_only=True):
    """The view model of the plan of one tenant; all texts are in the reader's language."""

    anchor: str
    title: str
    summary: tuple[str, ...]
    """The results of the plan, as sentences."""
    open_before: int | None
    """Open findings; None if the tenant could not be audited, then the other parts are empty."""
    costs: tuple[CostRow, ...]
    """Empty without prices."""
    seat_values: tuple[SeatValue, ...]
    """What the freed and spare seats are worth; empty without prices."""
    value_note: str
    """Why the cost falls by less than the freed seats are worth; empty if it does not."""
    first: tuple[FirstAction, ...]
    parts: tuple[PlanPagePart, ...]
    proof_effect: str
    """How many findings are fixed, in words."""
    fixed: tuple[str, ...]
    """The resolved findings, one line each."""
    remaining: tuple[tuple[str, tuple[str, ...]], ...]
    """(reason, findings) pairs."""
    new: tuple[str, ...]
    undecided: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    notices: tuple[str, ...]
    """Problems with decisions."""

    @property
    def remaining_count(self) -> int:
        """The number of remaining findings."""
        return sum(len(findings) for _, findings in self.remaining)


class PlanView(Struct, frozen=True, kw_only=True):
    """The view model of a plan."""

    as_of: datetime
    complete: bool
    proven: bool | None
    """Whether the proof succeeds; None if no tenant has a plan."""
    title: str
    """The title of the only tenant; empty if there are several."""
    missing: tuple[str, ...]
    """Why the plans of several tenants are incomplete; empty for a single tenant, whose summary says it."""
    rows: tuple[TenantRow, ...]
    """The tenants and their totals; empty for a single tenant."""
    first: tuple[FirstAction, ...]
    """The most important actions of several tenants; empty for a single one."""
    tenants: tuple[TenantView, ...]
    """The tenants that have a section on the page."""
    fleet: tuple[str, ...]
    """Why findings across tenants remain."""
    checked: date | None
    """The oldest day on which guidance of an action was compared with its sources; None if none is known."""
