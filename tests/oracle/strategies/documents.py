"""Strategies for valid policy documents, with every constraint block, check, selector operator and kind of waiver."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.oracle.strategies import alphabet
from tests.oracle.strategies.alphabet import SKUS
from tests.oracle.strategies.blocks import BLOCKS, constraint
from tests.oracle.strategies.selectors import elements, product_sets, selectors

POPULATIONS = ("everyone-on", "frontline")


_WAIVED_PRODUCTS = alphabet.optional(product_sets(), "products")


@st.composite
def documents(draw: st.DrawFn, as_of: datetime, blocks: tuple[str, ...] = tuple(BLOCKS)) -> list[dict[str, Any]]:
    """One or two policy files of the same policy set."""
    prices = draw(st.one_of(st.none(), _prices()))
    policies = [draw(_policies(number, blocks)) for number in range(draw(st.integers(1, 4)))]
    ids = [policy["id"] for policy in policies]
    contracts = [draw(_contracts(number, as_of)) for number in range(draw(st.sampled_from((0, 0, 1, 2, 4))))]
    waivers = [draw(_waivers(number, ids, as_of)) for number in range(draw(st.integers(0, 3)))]
    first: dict[str, Any] = {
        "version": 1,
        "populations": {"everyone-on": {"accountEnabled": True}, "frontline": draw(selectors(depth=1, named=("everyone-on",)))},
        "products": {"office": draw(_named_set()), "suite": draw(_named_set(extra=("office",)))},
        "policies": policies,
    }  # fmt: skip
    if draw(st.booleans()):
        first["products"]["free"] = draw(
            st.lists(st.sampled_from(("Contoso_Free", SKUS[11][0], "*_free")), min_size=1, max_size=2)
        )
    second: dict[str, Any] = {"version": 1}
    if prices is not None:
        second["prices"] = prices
    if draw(st.booleans()) and len(policies) > 1:
        second["policies"] = [policies.pop()]
        second["products"] = {"free": ["VISIO_PLAN1"]}
    if contracts:
        second["contracts"] = contracts
    if waivers:
        second["waivers"] = waivers
    return [first] if len(second) == 1 else [first, second]


@cache
def _named_set(extra: tuple[str, ...] = ()) -> st.SearchStrategy[list[Any]]:
    return st.lists(elements(named=extra, built_in=()), min_size=1, max_size=3)


_AMOUNTS = st.sampled_from((1, 7.5, 35.7, 0.1))


@st.composite
def _list_price(draw: st.DrawFn) -> Any:
    days = draw(
        st.lists(st.sampled_from(("2020-01-01", "2026-11-20", "2026-11-21", "2027-01-01")), unique=True, max_size=2)
    )
    if not days:
        return draw(_AMOUNTS)
    dated: list[dict[str, Any]] = [{"amount": draw(_AMOUNTS), "from": day} for day in days]
    return dated[0] if len(dated) == 1 else dated


@st.composite
def _contracts(draw: st.DrawFn, index: int, as_of: datetime) -> dict[str, Any]:
    last = as_of.astimezone(UTC).date() + timedelta(
        days=draw(st.sampled_from((-31, -30, -1, 0, 1, 14, 29, 30, 31, 60, 364, 365, 366)))
    )
    contract: dict[str, Any] = {
        "id": draw(st.sampled_from((f"C-{index}", f"c-{9 - index}"))),
        "products": draw(
            st.one_of(
                product_sets(),
                st.sampled_from(alphabet.PRODUCT_NAMES).map(lambda name: [name]),
                st.sampled_from((["SPE_E3", "SPE_E5"], ["spe_e5", "SPE_E3"])),
            )
        ),
        "term": draw(st.sampled_from(("P1M", "P1Y", "P3Y"))),
        "ends": last.isoformat(),
        "renews": draw(st.sampled_from(("automatically", "by-decision"))),
    }
    contract |= draw(alphabet.optional(st.sampled_from((0, 1, 3, 10, 23)), "seats"))
    contract |= draw(alphabet.optional(st.sampled_from(("0d", "7d", "28d")), "notice"))
    priced = _list_price().filter(lambda price: not isinstance(price, int | float))
    amounts = _AMOUNTS.map(lambda amount: {"amount": amount, "currency": "EUR"})
    if draw(st.booleans()):
        price = draw(st.one_of(amounts, priced))
        for entry in price if isinstance(price, list) else [price]:
            entry["currency"] = "EUR"
        contract["perSeatPerMonth"] = price
    return contract | draw(_tenants)


@st.composite
def _prices(draw: st.DrawFn) -> dict[str, Any]:
    parts = sorted({part for _sku, part in SKUS})
    names = draw(st.lists(st.sampled_from(parts), unique=True, min_size=1, max_size=8))
    by_id = {part: sku for sku, part in SKUS if part != "MCOPSTN5"}
    prices = {}
    for part in names:
        spellings = [part, part.lower(), by_id.get(part, part)]
        prices[draw(st.sampled_from(spellings))] = draw(_list_price())
    return {"currency": "EUR", "perSeatPerMonth": prices}


_tenants = alphabet.optional(
    st.sampled_from((["contoso"], ["fabrikam"], ["contoso", "fabrikam"], ["contoso", "elsewhere"])), "tenants"
)


@st.composite
def _policies(draw: st.DrawFn, number: int, blocks: tuple[str, ...]) -> dict[str, Any]:
    block = draw(st.sampled_from(blocks))
    spec = draw(constraint(block))
    policy: dict[str, Any] = {
        "id": f"p{number}-{block}",
        "title": f"Policy {number}",
        "severity": draw(st.sampled_from(("critical", "high", "medium", "low", "info"))),
        block: spec,
    }
    people = (
        block in ("assignments", "attributes")
        or (block == "health" and "errors" in spec)
        or {"assigned", "covers"} & spec.keys()
    )
    if people:
        policy |= draw(_population())
    return policy | (draw(_tenants) if draw(st.integers(0, 2)) == 0 else {})


@cache
def _users() -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(POPULATIONS), selectors(depth=2, named=POPULATIONS))


@cache
def _population() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(st.just({}), st.just({}), _users().map(lambda users: {"users": users}))


@st.composite
def _waivers(draw: st.DrawFn, number: int, ids: list[str], as_of: datetime) -> dict[str, Any]:
    day = as_of.astimezone(UTC).date() + timedelta(
        days=draw(st.sampled_from((-30, -1, 0, 1, 13, 14, 15, 100, 100, 100)))
    )
    waiver: dict[str, Any] = {
        "id": draw(st.sampled_from((f"W-{number}", f"w-{9 - number}"))),
        "policies": draw(st.one_of(st.just("*"), st.lists(st.sampled_from(ids), unique=True, min_size=1, max_size=2))),
        "reason": "Pilot",
        "owner": "licensing@contoso.example",
        "expires": day.isoformat(),
    }
    waiver |= draw(_population())
    waiver |= draw(_WAIVED_PRODUCTS)
    return waiver | draw(_tenants)
