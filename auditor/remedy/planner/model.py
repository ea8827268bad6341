"""The remediation plan as values: actions, what they fix, what stays and why, and the money behind it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from msgspec import Struct, field

from auditor.domain.actions.action import Action
from auditor.domain.enums import Cloud
from auditor.domain.policy.decision import Question
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Notice
from auditor.domain.result.saved_plan import DecidedSeats, Expectation, HoldingChange, SeatPrice
from auditor.domain.saved_field import SavedField
from auditor.remedy.planner.reach import Reach
from auditor.remedy.planner.simulation.changes import Changes
from auditor.remedy.planner.simulation.replay import SeatEffect


class Figures(Struct, frozen=True, kw_only=True):
    """Money a month in one currency."""

    currency: str
    exposure: Decimal
    """What open findings cost, each seat once, as in the reports."""
    reassignable_now: Decimal
    """What the seats cost that the plan's requests free for somebody else."""
    reducible_at_renewal: Decimal
    """What the seats cost that can be given back at the next renewal, once the plan was carried out; those that it
    frees are among them."""
    lower_bound: bool
    """Whether some seat behind a figure has no known price."""


class Standing(Struct, frozen=True, kw_only=True):
    """How a tenant stands: before the plan, or after it."""

    open: int
    money: tuple[Figures, ...]


class Remaining(Struct, frozen=True, kw_only=True):
    """A finding that the plan leaves, and why."""

    fingerprint: str
    code: str
    """`person`, `billing`, `renewal`, `group`, `cause`, `services`, `seats`, `idle`, `ends`, `paths`, `limit`,
    `fleet`, `decided`, `unknown`, `premises`."""
    why: str


class Proof(Struct, frozen=True, kw_only=True):
    """What auditing the changed copy of the snapshot showed."""

    fixed: tuple[str, ...] = ()
    remaining: tuple[Remaining, ...] = ()
    new: tuple[Finding, ...] = ()
    undecided: tuple[str, ...] = ()
    """Policies that could be evaluated before and cannot be after."""


class Dropped(Struct, frozen=True, kw_only=True):
    """A change that was left out because it would have created a new finding or been refused."""

    subject: str
    why: str


class Solver(Struct, frozen=True, kw_only=True):
    """How the choice was made, and how sure it is that no better one exists."""

    name: str
    optimal: bool
    reached: int
    """The weight of the findings that are fixed: 10000 for a critical one down to 1."""
    bound: int
    """The weight that would be reached if seats were no limit."""
    unpriced: tuple[str, ...] = ()
    """Products that are given out without a known price; they were taken to cost as much as the dearest."""
    partial: tuple[str, ...] = ()
    """People for whom not every option was looked at."""


class TenantPlan(Struct, frozen=True, kw_only=True):
    """The plan of one tenant."""

    name: str
    tenant_id: str
    display_name: Annotated[str, SavedField.UNSAVED]
    complete: bool
    omitted: tuple[str, ...]
    """What the plan leaves out because it was not read or could not be evaluated."""
    actions: tuple[Action, ...]
    before: Standing
    after: Standing
    proof: Proof
    dropped: tuple[Dropped, ...]
    solver: Solver
    cloud: Annotated[Cloud, SavedField.UNSAVED] = Cloud.WORLDWIDE
    findings: tuple[Finding, ...] = ()
    """The open findings, for readers who want names."""
    questions: tuple[Question, ...] = ()
    """What only a person can say, those with the greatest effect first; answered ones name their decision."""
    notices: tuple[Notice, ...] = ()
    """What is wrong with decisions."""
    seat_effects: Annotated[Mapping[str, SeatEffect], SavedField.UNSAVED] = field(default_factory=dict)
    """By the id of the action, for actions with requests."""
    names: Annotated[Mapping[str, str], SavedField.UNSAVED] = field(default_factory=dict)
    """Display names of products and groups, by part number and id."""

    changes: Annotated[Changes | None, SavedField.UNSAVED] = None
    """What its requests change, in detail; None where people are pseudonyms."""
    reach: tuple[Reach, ...] = ()
    """The open findings by where they can be fixed."""
    expected: tuple[Expectation, ...] = ()
    """The facts that the requests change, before and after."""
    holdings: tuple[HoldingChange, ...] = ()
    """Products that people stop and start to hold."""
    prices: tuple[SeatPrice, ...] = ()
    """Of these products, and of those with decided seats."""
    decided_seats: tuple[DecidedSeats, ...] = ()
    """What decisions about purchases and renewals make of the seats of products; people carry them out."""

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """The questions that no decision answers."""
        return tuple(question for question in self.questions if question.decision is None)


class FleetPlan(Struct, frozen=True, kw_only=True):
    """The plans of all tenants, and what only all of them together can say."""

    as_of: str
    policy_digest: str
    tenants: tuple[TenantPlan, ...]
    fleet: Proof
    notices: tuple[Notice, ...] = ()
    """Decisions that fit no question of any tenant."""
    redacted: bool = False
    """Whether pseudonyms stand for people."""

    @property
    def complete(self) -> bool:
        """Whether every tenant was read whole and every policy evaluated."""
        return all(tenant.complete for tenant in self.tenants)

    @property
    def proven(self) -> bool:
        """Whether nothing new appears and all that the requests claim to fix is gone."""
        proofs = [*(tenant.proof for tenant in self.tenants), self.fleet]
        return not any(proof.new or proof.undecided for proof in proofs)
