"""Strategies for the constraint blocks."""

from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.oracle.strategies import alphabet
from tests.oracle.strategies.alphabet import DURATIONS
from tests.oracle.strategies.selectors import elements, product_sets

Block = st.SearchStrategy[dict[str, Any]]
_OPTIONAL_OF = st.one_of(st.just({}), st.just({}), product_sets().map(lambda wanted: {"of": wanted}))


@cache
def constraint(block: str) -> Block:
    return BLOCKS[block]()


def _any_of(**keys: st.SearchStrategy[Any]) -> Block:
    """A mapping with at least one of the keys."""
    return st.fixed_dictionaries({}, optional=keys).filter(bool)


def _with_of(block: Block) -> Block:
    return st.builds(lambda of, rest: of | rest, _OPTIONAL_OF, block)


@cache
def _assignments() -> Block:
    items = st.one_of(elements(), st.lists(elements(), min_size=1, max_size=2))
    services = st.lists(st.sampled_from(alphabet.SERVICES), unique_by=str.casefold, min_size=1, max_size=2)
    checks: dict[str, st.SearchStrategy[Any]] = {
        "allow": st.one_of(product_sets(), st.just([])),
        "deny": product_sets(),
        "require": st.lists(items, min_size=1, max_size=3, unique_by=str),
        "exclusive": st.lists(st.lists(items, min_size=2, max_size=3), min_size=1, max_size=2),
        "redundant": st.just("deny"),
        "via": st.sampled_from(("group", "direct")),
        "duplicates": st.just("deny"),
        "services": _any_of(require=services, deny=services),
    }
    single = st.sampled_from(sorted(checks)).flatmap(lambda key: checks[key].map(lambda value: {key: value}))
    return _with_of(
        st.one_of(single, single, st.builds(lambda left, right: left | right, single, single), _any_of(**checks))
    )


_PERCENTS = (0, 1, 2.5, 5, 10, 12.5, 33.3, 50)


@st.composite
def _spare(draw: st.DrawFn, *, both: bool = False) -> dict[str, Any]:
    low, high = sorted((draw(st.sampled_from((0, 1, 2, 5, 10, 20))), draw(st.sampled_from((0, 1, 2, 5, 10, 20)))))
    less, more = sorted((draw(st.sampled_from(_PERCENTS)), draw(st.sampled_from((*_PERCENTS, 100)))))
    if less == 100:
        less = 50
    shapes = (
        (low, high),
        (f"{less}%", f"{more}%"),
        ({"percent": less, "seats": low}, {"percent": more, "seats": high}),
        # Bounds of different kinds, which only some numbers of seats keep; a maximum of 0 would be an error.
        (low, f"{more or 5}%"),
        (f"{less}%", high or 1),
    )
    least, most = draw(st.sampled_from(shapes))
    keys = "both" if both else draw(st.sampled_from(("both", "both", "min", "max")))
    return {"both": {"min": least, "max": most}, "min": {"min": least}, "max": {"max": most}}[keys]


@st.composite
def _seats(draw: st.DrawFn) -> dict[str, Any]:
    block: dict[str, Any] = draw(_OPTIONAL_OF)
    kind = draw(st.sampled_from(("spare", "assigned", "spare and assigned", "neither", "purchased", "spare and purchased",
                                 "covers")))  # fmt: skip
    if kind == "covers":
        return block | {"covers": "users"} | draw(st.sampled_from(({}, {"pool": True}, {"graceUnits": "ignore"})))
    if "purchased" in kind:
        block = block | {"purchased": {"max": draw(st.sampled_from((0, 1, 10, 100)))}}
    if "spare" in kind:
        block = block | {"spare": draw(_spare())}
    if "assigned" in kind:
        block = block | {"assigned": {"max": draw(st.sampled_from((0, 1, 2, 3, "0%", "10%", "12.5%", "50%")))}}
    if kind == "neither":
        block = {"of": "paid"} | block
    block = block | draw(st.sampled_from(({}, {}, {"pool": True}, {"pool": False})))
    return block | draw(st.sampled_from(({}, {"graceUnits": "count"}, {"graceUnits": "ignore"})))


@cache
def _purchases() -> Block:
    return _any_of(allow=product_sets(), deny=product_sets(), trials=st.just("deny"), unknown=st.just("deny"))


@st.composite
def _expiring(draw: st.DrawFn) -> dict[str, Any]:
    block: dict[str, Any] = {"within": draw(st.sampled_from(DURATIONS))}
    if draw(st.booleans()):
        block["idle"] = {"min": draw(st.sampled_from((0, 1, 5, "5%", {"percent": 10, "seats": 2})))}
    return block | draw(st.sampled_from(({}, {"exceptTerm": "monthly"})))


@cache
def _contracts() -> Block:
    within = st.sampled_from(("0d", *DURATIONS)).map(lambda value: {"within": value})
    return _any_of(match=st.just(value=True), notice=within, ending=within, missing=st.just("deny"))


@cache
def _subscriptions() -> Block:
    durations = st.sampled_from(DURATIONS)
    denied = st.lists(st.sampled_from(alphabet.STATUSES), unique=True, min_size=1, max_size=3)
    return _with_of(
        _any_of(
            expiring=_expiring(),
            states=denied.map(lambda value: {"deny": value}),
            trials=durations.map(lambda value: {"endingWithin": value}),
        )
    )


@cache
def _attributes() -> Block:
    names = ("usageLocation", "department", "country", "accountEnabled", "userType", "createdDateTime", "jobTitle")
    texts = st.lists(st.sampled_from(("NL", "no", "BE", *alphabet.TEXTS)), unique=True, min_size=1, max_size=3)
    return _any_of(
        require=st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=3),
        allow=_any_of(
            usageLocation=texts, department=texts, userType=st.just(["Member"]), accountEnabled=st.just([True])
        ),
    )


@cache
def _health() -> Block:
    return _any_of(**dict.fromkeys(("errors", "groups", "nested", "paused", "empty"), st.just("deny")))


@cache
def _balance() -> Block:
    return _with_of(_spare(both=True).map(lambda spare: {"spare": spare}))


@cache
def _budget() -> Block:
    return st.sampled_from((0, 10, 99.9, 1000, 25000)).map(lambda limit: {"limit": limit})


BLOCKS: dict[str, Callable[[], Block]] = {
    "assignments": _assignments,
    "seats": _seats,
    "purchases": _purchases,
    "subscriptions": _subscriptions,
    "attributes": _attributes,
    "health": _health,
    "balance": _balance,
    "budget": _budget,
    "contracts": _contracts,
}
