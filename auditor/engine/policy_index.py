"""A policy set into what follows from policies alone: worked out once, however many tenants are evaluated by it."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from auditor.domain.enums import Source
from auditor.domain.policy.model import Assignments, Constraint, Policy, PolicySet, Waiver
from auditor.domain.policy.selector import (
    GRAPH_PROPERTIES,
    AnyOf,
    AppsUnused,
    HasRole,
    HeldFor,
    InactiveIn,
    MailboxArchive,
    MailboxLargerThan,
    Matches,
    OneOf,
    Scalar,
    Selector,
    atoms,
    entails,
)
from auditor.policy.data_needs import selector_needs
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APP_USAGE_COLUMNS, DEVICE_COLUMNS, REPORT_COLUMNS, SIGN_IN_COLUMNS

Merged = tuple[tuple[Selector, ...], tuple[tuple[str, tuple[str, ...]], ...]]
"""Selectors, and properties with shell globs."""
Columns = tuple[tuple[str, ...], tuple[str, ...]]
"""Columns of users and of assignments."""

_HOLDINGS = ("user", "skuId", "held")
_PATHS = (*_HOLDINGS, "state", "assignedByGroup", "error", "disabledPlans", "pathDisabledPlans")
_CHANGED = "lastUpdatedDateTime"

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

LICENCES, PATHS = "assignedLicenses", "licenseAssignmentStates"
"""The properties of users that say what they hold, and how it is assigned: assignments in the columns of a snapshot."""


class PolicyCheck(Protocol):
    """What the engine uses of a check; `auditor.checks.check.Check` says what each is, with the types of blocks."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def priced(self) -> bool: ...  # noqa: D102
    @property
    def spares_role_holders(self) -> bool: ...  # noqa: D102
    @property
    def sources(self) -> tuple[Source, ...]: ...  # noqa: D102
    @property
    def properties(self) -> Callable[[Any], tuple[str, ...]]: ...  # noqa: D102
    @property
    def judge_users(self) -> Callable[..., Iterable[Any]] | None: ...  # noqa: D102
    @property
    def count_holders(self) -> Callable[..., Any] | None: ...  # noqa: D102
    @property
    def judge_tenant(self) -> Callable[..., Iterable[Any]] | None: ...  # noqa: D102
    @property
    def judge_fleet(self) -> Callable[..., Iterable[Any]] | None: ...  # noqa: D102
    @property
    def extent(self) -> Callable[..., Any] | None: ...  # noqa: D102
    def raised_by(self, constraint: Constraint) -> bool: ...  # noqa: D102


Checks = tuple[PolicyCheck, ...]


class Rules:
    """What policies say, whoever is evaluated by them; to hash a policy is to walk it whole, so ids stand for them."""

    def __init__(self, policies: PolicySet, checks: Checks) -> None:
        self.policies = policies
        self._registered = checks
        self._checks: dict[int, Checks] = {}
        self._properties: dict[int, tuple[str, ...]] = {}
        self.ordered = tuple(sorted(policies.policies, key=lambda policy: (policy.severity.rank, policy.id)))
        """The policies in the order of findings."""
        self._columns: dict[tuple[int, ...], Columns] = {}
        self._atoms: dict[int, tuple[Selector, ...]] = {}
        self._equal: dict[Selector, Selector] = {}
        self._known: dict[int, tuple[Selector, Selector]] = {}
        self._merged: dict[int, Merged] = {}
        self._listed: dict[tuple[str, tuple[Scalar | None, ...]], OneOf] = {}

    def columns(self, policies: tuple[Policy, ...], waivers: tuple[Waiver, ...]) -> Columns:
        """Return the columns that some of the policies and waivers look at."""
        return _once(self._columns, tuple(map(id, (*policies, *waivers))), lambda: _columns(self, policies, waivers))

    def checks(self, policy: Policy) -> Checks:
        """Return the checks that the policy asks for, in the order of the registry."""
        return _once(self._checks, id(policy), lambda: self._find_checks(policy))

    def _find_checks(self, policy: Policy) -> Checks:
        return tuple(check for check in self._registered if check.raised_by(policy.constraint))

    def paid_seats(self, policy: Policy, check: str) -> int | None:
        """Return how many seats of its product a finding stands for: one, or none; None where it is about no seat.

        None are paid without need where the product is unwanted because of a directory role: the role moves to another
        account, and the licence stays with the person.
        """
        (definition,) = (each for each in self._registered if each.id == check)
        if not definition.priced:
            return None
        block = policy.constraint
        replaced = isinstance(block, Assignments) and bool(block.require or block.downgrade_to)
        moves = (
            definition.spares_role_holders
            and not replaced
            and entails(policy.users, lambda atom: isinstance(atom, HasRole))
        )
        return 0 if moves else 1

    def judges_users(self, policy: Policy) -> bool:
        """Whether a check of the policy raises findings about users."""
        return any(check.judge_users is not None for check in self.checks(policy))

    def reads_users(self, policy: Policy) -> bool:
        """Whether a check of the policy evaluates users, or counts them."""
        return any(check.judge_users or check.count_holders for check in self.checks(policy))

    def judges_fleet(self, policy: Policy) -> bool:
        """Whether the policy evaluates the tenants of a run together, and no tenant alone."""
        return any(check.judge_fleet is not None for check in self.checks(policy))

    def properties(self, policy: Policy) -> tuple[str, ...]:
        """Return the properties of users that the checks of the policy judge or count by, each once."""
        return _once(self._properties, id(policy), lambda: self._read_properties(policy))

    def _read_properties(self, policy: Policy) -> tuple[str, ...]:
        reading = [check for check in self.checks(policy) if check.judge_users or check.count_holders]
        return tuple(dict.fromkeys(name for check in reading for name in check.properties(policy.constraint)))

    def atoms(self, policy: Policy) -> tuple[Selector, ...]:
        """Return the tests that the policy's population is made of."""
        return _once(self._atoms, id(policy), lambda: atoms(policy.users))

    def one(self, selector: Selector) -> Selector:
        """Return the one object that stands for all selectors that say the same."""
        cached = self._known.get(id(selector))
        if cached is None:
            cached = self._known[id(selector)] = (selector, self._equal.setdefault(selector, selector))
        return cached[1]

    def merged(self, selector: AnyOf) -> Merged:
        """Split alternatives into the globs for each property, which are looked for at once, and all others."""
        return _once(self._merged, id(selector), lambda: _merged(selector))

    def listed(self, name: str, values: tuple[Scalar | None, ...]) -> OneOf:
        """Return the selector for a property that has one of the values."""
        return _once(self._listed, (name, values), lambda: OneOf(property=name, values=values))


def rules_of(policies: PolicySet, checks: Checks) -> Rules:
    """Return what follows from a policy set and the checks; that of the latest sets is kept."""
    key = id(policies), id(checks)
    if key not in _KNOWN and len(_KNOWN) >= _MOST:
        _KNOWN.clear()
    # The rules hold both, so that their ids stay theirs.
    return _once(_KNOWN, key, lambda: Rules(policies, checks))


_KNOWN: dict[tuple[int, int], Rules] = {}
_MOST = 4


def _once(cache: dict[_Key, _Value], key: _Key, make: Callable[[], _Value]) -> _Value:
    cached = cache.get(key)
    if cached is None:
        cached = cache[key] = make()
    return cached


def _merged(selector: AnyOf) -> Merged:
    globs: dict[str, list[str]] = {}
    others: list[Selector] = []
    for part in selector.parts:
        if isinstance(part, Matches):
            globs.setdefault(part.property, []).append(part.pattern)
        else:
            others.append(part)
    return tuple(others), tuple((name, tuple(patterns)) for name, patterns in globs.items())


def _columns(rules: Rules, policies: tuple[Policy, ...], waivers: tuple[Waiver, ...]) -> Columns:
    populations = [policy.users for policy in policies if rules.reads_users(policy)]
    populations += [waiver.users for waiver in waivers if waiver.users is not None]
    columns = {"id", "notCollected"}
    for population in populations:
        needs = selector_needs(population)
        # Graph gives some properties in an object, the snapshot each in its own column.
        columns.update(needs.user_properties, _attributes(population))
        columns.update(SIGN_IN_COLUMNS if Source.SIGN_IN_ACTIVITY in needs.sources else ())
        columns.update(column for atom in atoms(population) for column in report_columns(atom))
        columns.update({"mailboxType"} if Source.MAILBOXES in needs.sources else ())
        columns.update(DEVICE_COLUMNS if Source.DEVICES in needs.sources else ())
    columns.update(name for policy in policies for name in rules.properties(policy))
    tested = {type(atom) for population in populations for atom in atoms(population)}
    assignments = (*_PATHS, _CHANGED) if HeldFor in tested else _PATHS if PATHS in columns else _HOLDINGS
    return tuple(sorted(columns - {LICENCES, PATHS})), assignments


def report_columns(atom: Selector) -> tuple[str, ...]:
    """Return the columns of reports of usage that a test looks at."""
    match atom:
        case InactiveIn(services=services):
            return tuple(ACTIVITY_COLUMNS[service] for service in services)
        case AppsUnused(period=period):
            return (APP_USAGE_COLUMNS[period],)
        case MailboxLargerThan():
            return REPORT_COLUMNS[Source.MAILBOX_USAGE][:1]
        case MailboxArchive():
            return REPORT_COLUMNS[Source.MAILBOX_USAGE][1:]
        case _:
            return ()


def _attributes(population: Selector) -> set[str]:
    """Return the properties of Graph objects by which a population is selected."""
    tested = (atom for atom in atoms(population) if isinstance(atom, OneOf | Matches))
    return {atom.property for atom in tested if atom.property in GRAPH_PROPERTIES}
