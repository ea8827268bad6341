"""The description of a check: everything that the program knows of it, in one value."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Constraint
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.result.finding import Finding
from auditor.engine.fleet import FleetScope
from auditor.engine.outcome import HolderCount, ObjectFinding
from auditor.engine.policy.extent import Extent
from auditor.engine.scope import Scope, TenantScope, UserFindings
from auditor.guidance.routing import Articles, Situation

Block = TypeVar("Block", bound=Constraint)


class Correction(StrEnum):
    """What a change to a user does about a finding.

    Where one change corrects several findings, the member that stands first decides which article describes it.
    """

    REPLACE = "replace"
    """The product goes; a product of its kind that the same policy requires comes instead."""
    REMOVE = "remove"
    """The product goes."""
    CHOOSE = "choose"
    """One of the products in the detail goes."""
    RETRY = "retry"
    """An assignment in error is repaired or tried again."""
    ASSIGN = "assign"
    """The product comes."""
    REMOVE_COPY = "remove-copy"
    """One of several paths of the product goes."""
    CHANGE_PATH = "change-path"
    """The product is assigned on another path."""
    DISABLE_SERVICE = "disable-service"
    """The service plan in the detail is switched off."""
    ENABLE_SERVICE = "enable-service"
    """The service plan in the detail is switched on."""
    SET_ATTRIBUTE = "set-attribute"
    """The property in the detail gets a value."""
    CORRECT_ATTRIBUTE = "correct-attribute"
    """The property in the detail gets another value."""


class Detail(StrEnum):
    """What the detail of a finding holds."""

    NONE = "none"
    PRODUCTS = "products"
    """Part numbers, joined by `+`."""
    SERVICE = "service"
    """A service plan as the policy writes it."""
    ERROR = "error"
    """An error of Graph, with `@` and the group's id where a group assigns the product."""
    PROPERTY = "property"
    """The name of a property."""
    STATE = "state"
    """The state of a subscription in Graph's words."""
    PROCESSING_STATE = "processing-state"
    """The `licenseProcessingState` of a group."""
    CONTRACT = "contract"
    """The id of a contract."""
    CURRENCY = "currency"
    """The currency of the amounts in the evidence."""


class Cost(StrEnum):
    """What the money of a finding stands for."""

    NONE = "none"
    SEAT = "seat"
    """One seat of the product, paid for without need; the engine prices it."""
    SEATS = "seats"
    """Seats that are paid for without need; the check prices them."""
    MISSING = "missing"
    """Seats that are too few, at the price of buying them; it is no part of what open findings cost."""
    TOTAL = "total"
    """An amount in which the seats of other findings are counted once more."""


class SeatBalance(StrEnum):
    """What a finding says of the seats of a product in use."""

    TOO_FEW_SPARE = "too-few-spare"
    TOO_MANY_SPARE = "too-many-spare"


class ObjectAction(NamedTuple):
    """The action that corrects a finding about anything but a user."""

    kind: ActionKind
    seats: int = 0
    """Seats to buy or to remove, or people over a quota."""
    text: str = ""
    """What the title names beside the product: a group, a state, an amount."""
    product: str = ""
    """The skuId of the product, where it is another one than that of the finding."""


class Check(Struct, Generic[Block], frozen=True, kw_only=True):
    """One check: what raises it, what it says, and what is done about it."""

    id: str
    name: str
    """English; it follows the name of a product or a person and has no capital: `Microsoft 365 E5: product denied`."""
    explanation: str
    """One English sentence."""
    block: type[Block]
    """The constraint block whose policies raise it."""
    key: str
    """The block and key in the policy language."""
    subject: SubjectType
    once_per: str
    """What there is one finding for, in English."""
    asked: Callable[[Block], bool]
    """Tell whether a block asks for the check."""
    properties: Callable[[Block], tuple[str, ...]] = lambda _: ()
    """Return the properties of users that the check reads."""
    products: Callable[[Block], Iterable[ProductSet]] = lambda _: ()
    """Return the product sets that the check resolves."""
    sources: tuple[Source, ...] = ()
    """What it reads beside users and `subscribedSkus`."""
    judge_users: Callable[[Scope, Block], Iterable[UserFindings]] | None = None
    """Judge one batch of users."""
    count_holders: Callable[[Scope, Block], HolderCount] | None = None
    """Count the users of one batch, for `judge_tenant`."""
    judge_tenant: Callable[[TenantScope, Block], Iterable[ObjectFinding]] | None = None
    """Evaluate what the tenant owns, once all users are evaluated and counted."""
    judge_fleet: Callable[[FleetScope, Block], Iterable[Finding]] | None = None
    """Judge the tenants of a run together, by their results."""
    extent: Extent | None = None
    """Count what the check looks at."""
    detail: Detail = Detail.NONE
    of_trials: bool = False
    """Whether every product that it names is a trial."""
    lists_holdings: bool = False
    """Whether the evidence in words lists all products of the user."""
    cost: Cost = Cost.NONE
    spares_role_holders: bool = False
    """Whether a finding frees no seat where a directory role is why the product is unwanted: the role goes."""
    seat_balance: SeatBalance | None = None
    routes: Callable[[Situation], Articles]
    """Return the ids of the articles for a situation: first what to do, then what else to read; never empty."""
    correction: Correction | None = None
    """For findings about users."""
    action: Callable[[Finding, Situation], ObjectAction] | None = None
    """For findings about anything else within a tenant."""

    @property
    def priced(self) -> bool:
        """Whether a finding costs one seat of its product."""
        return self.cost is Cost.SEAT

    def raised_by(self, constraint: Constraint) -> bool:
        """Whether a constraint block asks for the check."""
        return isinstance(constraint, self.block) and self.asked(constraint)

    def articles(self, situation: Situation) -> Articles:
        """Return the ids of the articles for a situation, each once."""
        return tuple(dict.fromkeys(self.routes(situation)))


def seats_to_adjust(finding: Finding) -> int | None:
    """Return the seats to buy (+) or to remove (−); None where no number of seats keeps the bounds."""
    adjust = finding.evidence.get("adjust")
    return adjust if isinstance(adjust, int) else None


def buy(finding: Finding, _situation: Situation) -> ObjectAction:
    """Return the action that buys the missing seats."""
    return ObjectAction(ActionKind.BUY, abs(seats_to_adjust(finding) or 0))
