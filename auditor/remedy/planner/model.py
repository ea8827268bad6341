"""The data model of the remediation plan: actions, what they fix, what remains and why, and the money."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from msgspec import Struct, field

from auditor.domain.actions.action import Action
from auditor.domain.enums import Cloud
from auditor.domain.message import Message
from auditor.domain.policy.decision import Answer, Question
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Notice
from auditor.domain.result.saved_plan import DecidedSeats, Expectation, HoldingChange, SeatPrice
from auditor.domain.saved_field import SavedField
from auditor.remedy.planner.reach import Reach
from auditor.remedy.planner.simulation.changes import PlannedRequests
from auditor.remedy.planner.simulation.replay import SeatEffect


class Figures(Struct, frozen=True, kw_only=True):
    """Monthly amounts in one currency."""

    currency: str
    exposure: Decimal
    """The cost of open findings, with each seat counted once, as in the reports."""
    reassignable_now: Decimal
    """The cost of the seats that the plan's requests free for somebody else."""
    reducible_at_renewal: Decimal
    """The cost of the seats that can be given back at the next renewal after the plan, including those it frees."""
    lower_bound: bool
    """Whether the price of some seat in these amounts is not known."""


class Standing(Struct, frozen=True, kw_only=True):
    """The state of a tenant before or after the plan."""

    open: int | None
    """Number of open findings; None if the tenant could not be audited."""
    money: tuple[Figures, ...]


class Remaining(Struct, frozen=True, kw_only=True, gc=False):
    """A finding that the plan does not fix, and why."""

    fingerprint: str
    code: str
    """`person`, `billing`, `renewal`, `group`, `cause`, `services`, `seats`, `idle`, `ends`, `paths`, `limit`,
    `fleet`, `decided`, `unknown`, `premises`."""
    why: str


class Proof(Struct, frozen=True, kw_only=True):
    """The result of auditing a copy of the snapshot with the changes of the plan."""

    fixed: tuple[str, ...] = ()
    remaining: tuple[Remaining, ...] = ()
    new: tuple[Finding, ...] = ()
    undecided: tuple[str, ...] = ()
    """Policies that could be evaluated before and cannot be after."""

    @property
    def holds(self) -> bool:
        """Whether there are no new findings, and every policy that could be evaluated before still can be."""
        return not (self.new or self.undecided)


class Dropped(Struct, frozen=True, kw_only=True):
    """A change that was left out because it would have caused a new finding or been refused."""

    subject: str
    why: str


class Solver(Struct, frozen=True, kw_only=True):
    """How the options were chosen, and whether the choice is proven to be the best."""

    name: str
    optimal: bool
    reached: int
    """The total weight of the fixed findings: 10000 for a critical one, down to 1."""
    bound: int
    """The weight that would be reached without seat limits."""
    unpriced: tuple[str, ...] = ()
    """Products that are assigned without a known price; they count with the price of the most expensive product."""
    partial: tuple[str, ...] = ()
    """People for whom not every option was evaluated."""


class TenantPlan(Struct, frozen=True, kw_only=True):
    """The plan of one tenant."""

    name: str
    tenant_id: str
    title: Annotated[str, SavedField.UNSAVED]
    """Its title in documents."""
    complete: bool
    omitted: tuple[Message, ...]
    """What the plan leaves out because it was not read or could not be evaluated."""
    actions: tuple[Action, ...]
    before: Standing
    after: Standing
    proof: Proof
    dropped: tuple[Dropped, ...]
    solver: Solver
    cloud: Annotated[Cloud, SavedField.UNSAVED] = Cloud.WORLDWIDE
    findings: tuple[Finding, ...] = ()
    """The open findings, for output that contains names."""
    questions: tuple[Question, ...] = ()
    """Questions that only a person can answer, those with the greatest effect first; a `decision` answers one."""
    notices: tuple[Notice, ...] = ()
    """Problems with decisions."""
    seat_effects: Annotated[Mapping[str, SeatEffect], SavedField.UNSAVED] = field(default_factory=dict)
    """Seats freed and assigned by action id, for actions with requests."""
    released_seats: Annotated[int, SavedField.UNSAVED] = 0
    """The number of seats that the requests free and do not assign again."""
    names: Annotated[Mapping[str, str], SavedField.UNSAVED] = field(default_factory=dict)
    """Display names of products and groups, by part number and id."""
    policy_titles: Annotated[Mapping[str, str], SavedField.UNSAVED] = field(default_factory=dict)
    """Titles of policies by id, in the language of the plan."""
    outdated: Annotated[datetime | None, SavedField.UNSAVED] = None
    """The instant at which the data was read, if that was more than a day before the plan."""
    answers: Annotated[tuple[Answer, ...], SavedField.UNSAVED] = ()
    """The decisions that answer questions; their authors and reasons are in the texts of the plan."""

    changes: Annotated[PlannedRequests | None, SavedField.UNSAVED] = None
    """The details of what its requests change; None if people are pseudonymised."""
    reach: tuple[Reach, ...] = ()
    """The open findings by the location where they can be fixed."""
    expected: tuple[Expectation, ...] = ()
    """The facts that the requests change, before and after."""
    holdings: tuple[HoldingChange, ...] = ()
    """Products that people lose and get."""
    prices: tuple[SeatPrice, ...] = ()
    """Prices of these products, and of those with decided seats."""
    decided_seats: tuple[DecidedSeats, ...] = ()
    """Seats of products as decided by purchases and renewals, which people carry out."""

    @property
    def failure(self) -> Message | None:
        """Why the tenant has no plan; None if it has one, which may be empty."""
        return self.omitted[0] if self.before.open is None else None

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """The questions that no decision answers."""
        return tuple(question for question in self.questions if question.decision is None)


class FleetPlan(Struct, frozen=True, kw_only=True):
    """The plans of all tenants, and the findings about all tenants together."""

    as_of: str
    policy_digest: str
    tenants: tuple[TenantPlan, ...]
    fleet: Proof
    notices: tuple[Notice, ...] = ()
    """Decisions that fit no question of any tenant."""
    redacted: bool = False
    """Whether people are pseudonymised."""

    @property
    def complete(self) -> bool:
        """Whether every tenant was read completely and every policy was evaluated."""
        return all(tenant.complete for tenant in self.tenants)

    @property
    def proven(self) -> bool:
        """Whether every proof holds."""
        return all(proof.holds for proof in (*(tenant.proof for tenant in self.tenants), self.fleet))
