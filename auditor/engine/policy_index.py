"""Everything that can be derived from a policy set alone, computed once for all tenants."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, Protocol, TypeVar

from auditor.domain.enums import Source
from auditor.domain.policy.model import Assignments, Constraint, Policy, PolicySet, Waiver
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.policy.selector import (
    GRAPH_PROPERTIES,
    AnyOf,
    AppsUnused,
    Every,
    HasRole,
    HeldFor,
    InactiveIn,
    MailboxArchive,
    MailboxLargerThan,
    Matches,
    OneOf,
    Selector,
    atoms,
    entails,
)
from auditor.policy.data_needs import selector_needs
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APP_USAGE_COLUMNS, COLUMNS_OF_SOURCE, REPORT_COLUMNS

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
"""The user properties for licences held and their assignment paths; a snapshot stores them as assignment columns."""


class PolicyCheck(Protocol):
    """The attributes of a check that the engine uses; `auditor.checks.check.Check` documents them."""

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
    def products(self) -> Callable[[Any], Iterable[ProductSet]]: ...  # noqa: D102
    @property
    def selectors(self) -> Callable[[Any], tuple[Selector, ...]]: ...  # noqa: D102
    @property
    def evaluate_users(self) -> Callable[..., Iterable[Any]] | None: ...  # noqa: D102
    @property
    def count_holders(self) -> Callable[..., Any] | None: ...  # noqa: D102
    @property
    def evaluate_tenant(self) -> Callable[..., Iterable[Any]] | None: ...  # noqa: D102
    @property
    def evaluate_fleet(self) -> Callable[..., Iterable[Any]] | None: ...  # noqa: D102
    @property
    def extent(self) -> Callable[..., Any] | None: ...  # noqa: D102
    def raised_by(self, constraint: Constraint) -> bool: ...  # noqa: D102


Checks = tuple[PolicyCheck, ...]


class Rules:
    """Data derived from a policy set, independent of the tenant.

    Caches are keyed by `id()`, because hashing a policy would walk all of it.
    """

    def __init__(self, policies: PolicySet, checks: Checks) -> None:
        self.policies = policies
        self._registered = checks
        self._checks: dict[int, Checks] = {}
        self._properties: dict[int, tuple[str, ...]] = {}
        self.ordered = tuple(sorted(policies.policies, key=lambda policy: (policy.severity.rank, policy.id)))
        """The policies in the order of findings."""
        self._columns: dict[tuple[int, ...], Columns] = {}
        self._atoms: dict[int, tuple[Selector, ...]] = {}
        self._interned: dict[Selector, Selector] = {}
        self._canonical: dict[int, tuple[Selector, Selector]] = {}
        self._merged: dict[int, Merged] = {}
        self._selectors: dict[int, Mapping[str, tuple[Selector, ...]]] = {}

    def columns(self, policies: tuple[Policy, ...], waivers: tuple[Waiver, ...]) -> Columns:
        """Return the columns that the policies and waivers read."""
        return _cached(self._columns, tuple(map(id, (*policies, *waivers))), lambda: _columns(self, policies, waivers))

    def checks(self, policy: Policy) -> Checks:
        """Return the checks that the policy uses, in the order of the registry."""
        registered, constraint = self._registered, policy.constraint
        return _cached(
            self._checks, id(policy), lambda: tuple(check for check in registered if check.raised_by(constraint))
        )

    def paid_seats(self, policy: Policy, check: str) -> int | None:
        """Return how many seats of its product a finding frees, 1 or 0; None if the finding is not about a seat.

        It is 0 if the product is not wanted because of a directory role: the role moves to another account, and the
        licence stays with the person.
        """
        (definition,) = (check_type for check_type in self._registered if check_type.id == check)
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

    def evaluates_users(self, policy: Policy) -> bool:
        """Whether a check of the policy raises findings about users."""
        return any(check.evaluate_users is not None for check in self.checks(policy))

    def reads_users(self, policy: Policy) -> bool:
        """Whether a check of the policy evaluates users, or counts them."""
        return any(check.evaluate_users or check.count_holders for check in self.checks(policy))

    def evaluates_fleet(self, policy: Policy) -> bool:
        """Whether the policy compares the tenants of a run, instead of evaluating each one."""
        return any(check.evaluate_fleet is not None for check in self.checks(policy))

    def properties(self, policy: Policy) -> tuple[str, ...]:
        """Return the distinct user properties that the checks of the policy evaluate or count by."""
        return _cached(self._properties, id(policy), lambda: self._read_properties(policy))

    def _read_properties(self, policy: Policy) -> tuple[str, ...]:
        reading = self._user_checks(policy)
        return tuple(dict.fromkeys(name for check in reading for name in check.properties(policy.constraint)))

    def selectors(self, policy: Policy) -> Mapping[str, tuple[Selector, ...]]:
        """Return the selectors that each check of the policy evaluates besides the population, by the check's id."""
        return _cached(
            self._selectors,
            id(policy),
            lambda: {check.id: check.selectors(policy.constraint) for check in self._user_checks(policy)},
        )

    def _user_checks(self, policy: Policy) -> Checks:
        return tuple(check for check in self.checks(policy) if check.evaluate_users or check.count_holders)

    def atoms(self, policy: Policy) -> tuple[Selector, ...]:
        """Return the elementary selectors by which the policy evaluates users: of its population and of its checks."""
        return _cached(
            self._atoms,
            id(policy),
            lambda: atoms(Every(parts=(policy.users, *chain.from_iterable(self.selectors(policy).values())))),
        )

    def canonical(self, selector: Selector) -> Selector:
        """Return the canonical object of all equal selectors."""
        cached = self._canonical.get(id(selector))
        if cached is None:
            cached = self._canonical[id(selector)] = (selector, self._interned.setdefault(selector, selector))
        return cached[1]

    def merged(self, selector: AnyOf) -> Merged:
        """Split alternatives into the globs of each property, which are matched together, and all others."""
        return _cached(self._merged, id(selector), lambda: _merged(selector))


def rules_of(policies: PolicySet, checks: Checks) -> Rules:
    """Return the rules of a policy set and the checks; those of a few sets are cached."""
    key = id(policies), id(checks)
    if key not in _RULES_CACHE and len(_RULES_CACHE) >= _MAX_CACHED:
        _RULES_CACHE.clear()
    # The rules keep references to both, so that their ids are not reused.
    return _cached(_RULES_CACHE, key, lambda: Rules(policies, checks))


_RULES_CACHE: dict[tuple[int, int], Rules] = {}
_MAX_CACHED = 4


def _cached(cache: dict[_Key, _Value], key: _Key, make: Callable[[], _Value]) -> _Value:
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
    evaluated = [atom for policy in policies if rules.reads_users(policy) for atom in rules.atoms(policy)]
    evaluated += [atom for waiver in waivers if waiver.users is not None for atom in atoms(waiver.users)]
    columns = {"id", "notCollected"}
    for atom in evaluated:
        needs = selector_needs(atom)
        columns.update(needs.user_properties)
        columns.update(name for source in needs.sources for name in COLUMNS_OF_SOURCE.get(source, ()))
        columns.update(report_columns(atom))
        if isinstance(atom, OneOf | Matches) and atom.property in GRAPH_PROPERTIES:
            columns.add(atom.property)  # Graph nests it in an object; the snapshot has a column for it
    columns.update(name for policy in policies for name in rules.properties(policy))
    held_for = any(isinstance(atom, HeldFor) for atom in evaluated)
    assignments = (*_PATHS, _CHANGED) if held_for else _PATHS if PATHS in columns else _HOLDINGS
    return tuple(sorted(columns - {LICENCES, PATHS})), assignments


def report_columns(atom: Selector) -> tuple[str, ...]:
    """Return the columns of usage reports that a selector reads."""
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
