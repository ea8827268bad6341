"""The definition of a check: everything that the program needs to know about it, in one object."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from auditor.domain.actions.kind import ActionKind, removal_kind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Constraint
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.policy.selector import Selector
from auditor.domain.result.finding import Finding
from auditor.engine.fleet import FleetScope
from auditor.engine.outcome import HolderCount, ObjectFinding
from auditor.engine.policy.extent import Extent
from auditor.engine.scope import Scope, TenantScope, UserFindings
from auditor.guidance.routing import Articles, Situation, licence_removal, self_service

Block = TypeVar("Block", bound=Constraint)


class Correction(StrEnum):
    """How a change to a user corrects a finding.

    If one change corrects several findings, the first of their members in this enum decides which article describes it.
    """

    REPLACE = "replace"
    """The product is replaced by a product of its kind that the same policy requires, or removed if there is none."""
    REMOVE = "remove"
    """The product is removed."""
    CHOOSE = "choose"
    """One of the products in the detail is removed."""
    RETRY = "retry"
    """An assignment in error is repaired or retried."""
    ASSIGN = "assign"
    """The product is assigned."""
    REMOVE_COPY = "remove-copy"
    """One of several assignment paths of the product is removed."""
    CHANGE_PATH = "change-path"
    """The product is assigned by another path."""
    DISABLE_SERVICE = "disable-service"
    """The service plan in the detail is disabled."""
    ENABLE_SERVICE = "enable-service"
    """The service plan in the detail is enabled."""
    SET_ATTRIBUTE = "set-attribute"
    """The property in the detail is set."""
    CORRECT_ATTRIBUTE = "correct-attribute"
    """The property in the detail is changed to another value."""


class Detail(StrEnum):
    """The content of a finding's detail."""

    NONE = "none"
    PRODUCTS = "products"
    """Part numbers, joined by `+`."""
    SERVICE = "service"
    """A service plan as the policy writes it."""
    ERROR = "error"
    """An error code of Graph, followed by `@` and the group's id if a group assigns the product."""
    PROPERTY = "property"
    """The name of a property."""
    STATE = "state"
    """The state of a subscription, as Graph writes it."""
    PROCESSING_STATE = "processing-state"
    """The `licenseProcessingState` of a group."""
    CONTRACT = "contract"
    """The id of a contract."""
    CURRENCY = "currency"
    """The currency of the amounts in the evidence."""


class Cost(StrEnum):
    """The meaning of a finding's amount of money."""

    NONE = "none"
    SEAT = "seat"
    """One superfluous paid seat of the product; the engine computes the price."""
    SEATS = "seats"
    """Superfluous paid seats that nobody has or uses; the check computes the price."""
    ASSIGNED_SEATS = "assigned-seats"
    """Superfluous paid seats that people have; findings about these people can count some of them too."""
    ALL_SEATS = "all-seats"
    """Superfluous paid seats of any kind; other findings can count some of them too."""
    MISSING = "missing"
    """The price of buying missing seats; it is not part of the cost of open findings."""
    TOTAL = "total"
    """An amount that includes seats which other findings count already."""


class SeatBalance(StrEnum):
    """Whether a finding means too few or too many spare seats of a product."""

    TOO_FEW_SPARE = "too-few-spare"
    TOO_MANY_SPARE = "too-many-spare"


class ObjectAction(NamedTuple):
    """The action that corrects a finding about an object other than a user."""

    kind: ActionKind
    seats: int = 0
    """Seats to buy or to remove, or people over a quota."""
    text: str = ""
    """What the title names besides the product: a group, a state, an amount."""
    product: str = ""
    """The skuId of the product, if it is not that of the finding."""
    article: str = ""
    """The id of the article, if it is not the first one of the check."""


class Check(Struct, Generic[Block], frozen=True, kw_only=True):
    """One check: when it applies, how it is evaluated, its texts, and how its findings are corrected."""

    id: str
    """Part of fingerprints, saved results and addresses: it never changes."""
    name: str
    """English; it follows the name of a product or a person and has no capital: `Microsoft 365 E5: product denied`."""
    explanation: str
    """One English sentence."""
    block: type[Block]
    """The type of constraint block whose policies use the check."""
    key: str
    """The block and key of the check in the policy language."""
    subject: SubjectType
    once_per: str
    """The unit for which there is one finding each, in English."""
    is_enabled: Callable[[Block], bool]
    """Returns whether a block enables the check."""
    properties: Callable[[Block], tuple[str, ...]] = lambda _: ()
    """Returns the user properties that the check reads, such as `assignedLicenses`."""
    selectors: Callable[[Block], tuple[Selector, ...]] = lambda _: ()
    """Returns the selectors that the check evaluates besides the population; `Scope.matches` returns their users.

    They declare what else the check reads about users: their sources are collected, their columns are read, and their
    missing facts are reasons, as for the population.
    """
    products: Callable[[Block], Iterable[ProductSet]] = lambda _: ()
    """Returns the product sets that the check resolves."""
    sources: tuple[Source, ...] = ()
    """The sources that the check reads besides users and `subscribedSkus`."""
    evaluate_users: Callable[[Scope, Block], Iterable[UserFindings]] | None = None
    """Evaluates one batch of users."""
    count_holders: Callable[[Scope, Block], HolderCount] | None = None
    """Counts the users of one batch for `evaluate_tenant`."""
    evaluate_tenant: Callable[[TenantScope, Block], Iterable[ObjectFinding]] | None = None
    """Evaluates what the tenant owns, after all users were evaluated and counted."""
    evaluate_fleet: Callable[[FleetScope, Block], Iterable[Finding]] | None = None
    """Evaluates the tenants of a run together, from their results."""
    extent: Extent | None = None
    """Counts what the check evaluates."""
    detail: Detail = Detail.NONE
    of_trials: bool = False
    """Whether all products in its findings are trials."""
    limits_spare: bool = False
    """Whether it compares the spare seats of a product with bounds."""
    lists_holdings: bool = False
    """Whether the textual evidence lists all products of the user."""
    cost: Cost = Cost.NONE
    spares_role_holders: bool = False
    """Whether a finding frees no seat if the policy selects people by a directory role: the role is moved instead."""
    seat_balance: SeatBalance | None = None
    routes: Callable[[Situation], Articles]
    """Returns the ids of the articles for a situation: first the instructions, then further reading; never empty."""
    correction: Correction | None = None
    """How findings about users are corrected."""
    action: Callable[[Finding, Situation], ObjectAction] | None = None
    """Returns the action for a finding about any other object of a tenant."""

    @property
    def priced(self) -> bool:
        """Whether the cost of a finding is one seat of its product."""
        return self.cost is Cost.SEAT

    def raised_by(self, constraint: Constraint) -> bool:
        """Return whether a constraint block enables the check."""
        return isinstance(constraint, self.block) and self.is_enabled(constraint)

    def articles(self, situation: Situation) -> Articles:
        """Return the distinct ids of the articles for a situation."""
        return tuple(dict.fromkeys(self.routes(situation)))


def seats_to_adjust(finding: Finding) -> int | None:
    """Return the seats to buy (+) or to remove (−); None if no number of seats keeps the bounds."""
    adjust = finding.evidence.get("adjust")
    return adjust if isinstance(adjust, int) else None


def removable_seats(finding: Finding) -> int:
    """Return the superfluous seats without those of trials, which end by themselves; 0 if no number is known."""
    free = sum(finding.evidence.get(name) or 0 for name in ("trial", "neededAfterTrials"))
    return max(0, -(seats_to_adjust(finding) or 0) - free)


def give_back(finding: Finding, situation: Situation) -> ObjectAction:
    """Return the action that removes superfluous seats."""
    adjust = seats_to_adjust(finding)
    contradictory = adjust is None and finding.evidence.get("boundsConflict")
    if contradictory or (adjust is not None and adjust >= 0):
        return ObjectAction(ActionKind.BOUNDS)  # because of the minimum, no seat can be removed
    if situation.is_trial:
        return ObjectAction(ActionKind.TRIAL)  # the seats of a trial cost nothing and cannot be removed one by one
    return ObjectAction(removal_kind(situation.agreement), removable_seats(finding))


def buy(finding: Finding, situation: Situation) -> ObjectAction:
    """Return the action that buys the missing seats; if no purchase keeps the minimum, people have to lose theirs.

    A minimum of 100 % allows no seat to be assigned.
    """
    adjust, evidence = seats_to_adjust(finding), finding.evidence
    if adjust is None and evidence.get("boundsConflict"):
        if evidence.get("maximum") is not None:
            return ObjectAction(ActionKind.BOUNDS, article="remove-licenses")
        article = next(iter((*self_service(situation), *licence_removal(situation))))
        return ObjectAction(ActionKind.QUOTA, int(evidence["consumed"]), article=article)
    return ObjectAction(ActionKind.BUY, abs(adjust or 0))
