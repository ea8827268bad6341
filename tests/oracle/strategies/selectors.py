"""Strategies for product sets and selectors."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.oracle.strategies import alphabet
from tests.oracle.strategies.alphabet import DURATIONS
from tests.oracle.strategies.usage import by_use

BUILT_IN = ("*", "free", "paid", "trial")
NAMED_SETS = ("office", "suite")


@cache
def elements(named: tuple[str, ...] = NAMED_SETS, built_in: tuple[str, ...] = BUILT_IN) -> st.SearchStrategy[Any]:
    """One element of a product set."""
    names = st.sampled_from(alphabet.PRODUCT_NAMES)
    services = st.sampled_from(alphabet.SERVICES).map(lambda service: {"withService": service})
    choices: list[st.SearchStrategy[Any]] = [names, names, names, st.sampled_from(alphabet.GLOBS), services]
    if named or built_in:
        choices.append(st.sampled_from((*named, *built_in)))
    return st.one_of(*choices)


@cache
def product_sets() -> st.SearchStrategy[Any]:
    """A product set: one element, or a list of elements."""
    element = elements()
    return st.one_of(element, st.lists(element, min_size=1, max_size=3))


_texts = st.sampled_from(alphabet.TEXTS)
_nullable = st.one_of(_texts, _texts, _texts, st.none(), st.just(""))
_lists = st.lists(_nullable, min_size=1, max_size=3, unique=True)
_text_values = st.one_of(
    _texts,
    st.none(),
    st.just(""),
    _lists,
    st.fixed_dictionaries(
        {},
        optional={"not": _nullable, "in": _lists, "notIn": _lists, "matches": st.sampled_from(alphabet.GLOB_TEXTS), "exists": st.booleans()},
    ).filter(bool),
    _nullable.map(lambda value: {"is": value}),
)  # fmt: skip
_booleans = st.one_of(
    st.booleans(),
    st.none(),
    st.just([True, None]),
    st.booleans().map(lambda value: {"not": value}),
    st.sampled_from(({"is": None}, {"is": True}, {"not": None}, {"in": [False, None]}, {"notIn": [True]}, {"exists": False})),
)  # fmt: skip
_limits = st.sampled_from((*DURATIONS, "2026-11-20", "2026-10-21T02:17:00Z", "2026-08-22T05:30:00+05:30", "2020-01-01"))
_stamps = st.sampled_from(alphabet.CREATED)
_created = st.one_of(
    st.none(),
    st.just(""),
    _stamps,
    st.lists(st.one_of(_stamps, st.none()), min_size=1, max_size=2, unique=True),
    _stamps.map(lambda value: {"not": value}),
    st.lists(_stamps, min_size=1, max_size=2, unique=True).map(lambda value: {"notIn": value}),
    st.booleans().map(lambda value: {"exists": value}),
    st.fixed_dictionaries({}, optional={"before": _limits, "after": _limits}).filter(bool),
    st.just({"not": None}),
)
_types = st.one_of(
    st.sampled_from(("Member", "guest")),
    st.none(),
    st.just(["Member", None]),
    st.sampled_from(({"not": "Guest"}, {"exists": True}, {"notIn": ["member"]}, {"matches": "M*"})),
)
_mailboxes = st.one_of(
    st.sampled_from(alphabet.MAILBOXES),
    st.lists(st.sampled_from(alphabet.MAILBOXES), unique=True, min_size=1, max_size=2),
    st.just({"not": "user"}),
    st.none(),
    st.sampled_from(({"not": None}, {"exists": False}, ["shared", None])),
)
_group_names = st.sampled_from(alphabet.GROUP_NAMES)
_groups = st.one_of(
    _group_names,
    st.lists(_group_names, min_size=1, max_size=2, unique=True),
    st.fixed_dictionaries({"group": _group_names}, optional={"transitive": st.booleans()}),
)

_role_names = st.one_of(
    st.just("*"),
    st.sampled_from(alphabet.ROLE_NAMES),
    st.lists(st.sampled_from(alphabet.ROLE_NAMES), min_size=1, max_size=3, unique=True),
)
_roles = st.one_of(
    _role_names,
    st.fixed_dictionaries(
        {}, optional={"roles": _role_names, "assigned": st.sampled_from(("active", "eligible", "any")), "privileged": st.booleans()},
    ).filter(bool),
)  # fmt: skip
_coverages = st.sampled_from(("conditionalAccess", {"conditionalAccess": "any"}, {"conditionalAccess": "risk"}))


@cache
def _leaf() -> st.SearchStrategy[dict[str, Any]]:
    durations = st.sampled_from(DURATIONS)
    return st.one_of(
        st.tuples(st.sampled_from(alphabet.TEXT_PROPERTIES), _text_values).map(lambda pair: {pair[0]: pair[1]}),
        st.fixed_dictionaries({"department": _text_values, "country": _text_values}),
        st.tuples(st.sampled_from(alphabet.BOOLEAN_PROPERTIES), _booleans).map(lambda pair: {pair[0]: pair[1]}),
        st.fixed_dictionaries({"userType": _types}, optional={"accountEnabled": _booleans}),
        st.fixed_dictionaries({"createdDateTime": _created}),
        st.integers(0, 11).map(lambda number: {"userPrincipalName": f"USER{number}@contoso.example"}),
        st.integers(0, 11).map(lambda number: {"id": alphabet.user_id(number).upper()}),
        product_sets().map(lambda wanted: {"holds": wanted}),
        st.booleans().map(lambda value: {"licensed": value}),
        _groups.map(lambda wanted: {"memberOf": wanted}),
        _roles.map(lambda wanted: {"hasRole": wanted}),
        _coverages.map(lambda wanted: {"coveredBy": wanted}),
        st.fixed_dictionaries(
            {"inactiveFor": durations}, optional={"signal": st.sampled_from(("any", "successful", "interactive"))}
        ),
        durations.map(lambda value: {"neverSignedIn": value}),
        durations.map(lambda value: {"createdWithin": value}),
        st.fixed_dictionaries({"atLeast": durations}, optional={"of": product_sets()}).map(
            lambda value: {"heldFor": value}
        ),
        st.sampled_from(("group", "direct")).map(lambda value: {"licensedVia": value}),
        st.one_of(st.booleans(), durations.map(lambda value: {"seenWithin": value})).map(
            lambda value: {"managedDevice": value}
        ),
        _mailboxes.map(lambda value: {"mailboxType": value}),
        by_use(),
        by_use(),
    )


@cache
def selectors(depth: int, named: tuple[str, ...] = ()) -> st.SearchStrategy[dict[str, Any]]:
    """A selector nested at most `depth` levels; `named` are the populations that it may refer to."""
    if depth == 0:
        return _leaf()
    inner: st.SearchStrategy[Any] = selectors(depth - 1, named)
    if named:
        inner = st.one_of(inner, inner, inner, st.sampled_from(named))
    lists = st.lists(inner, min_size=1, max_size=3)
    leaf = _leaf()
    choices: list[st.SearchStrategy[dict[str, Any]]] = [
        leaf,
        leaf,
        st.builds(lambda left, right: left | right, leaf, leaf),
        lists.map(lambda value: {"any": value}),
        lists.map(lambda value: {"all": value}),
        inner.map(lambda value: {"not": value}),
        st.builds(lambda plain, nested: plain | {"not": nested}, leaf, inner),
    ]
    if named:
        choices.append(st.sampled_from(named).map(lambda name: {"population": name}))
    return st.one_of(*choices)
