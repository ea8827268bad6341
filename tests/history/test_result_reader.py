"""Reading saved results: round trips, and errors with their location."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.domain.actions.action import Action, Link
from auditor.domain.enums import Severity
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding, ProductReference, SourceLine, Subject
from auditor.domain.result.model import (
    BalanceShare,
    Coverage,
    FleetPast,
    FleetResult,
    Notice,
    PolicyHeader,
    PolicyOutcome,
    Result,
    Run,
    SeatBounds,
    SeatCount,
    Subscription,
    Summary,
    TenantResult,
)
from auditor.domain.syntax.limits import LARGEST, LARGEST_SUM
from auditor.result.codec.result_reader import load
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import compared, result

TEXT = st.text(max_size=8)
MESSAGE = (
    TEXT.map(Message)
    | st.builds(lambda text: Message("a {b}", b=text), TEXT)
    | st.builds(lambda text, day: Message("a {b} {c}", b=Message("d {e}", e=text), c=day), TEXT, st.dates())
)
WORDS = st.lists(TEXT, max_size=2).map(tuple)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 62), 1 << 62) | st.floats(-1e299, 1e299) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
INSTANT = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
    min_value=datetime(1, 1, 2),  # noqa: DTZ001 - bounds are given without a zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
)
COUNT = st.integers(0, 1 << 53)
NUMBER = st.none() | st.integers(-LARGEST, LARGEST)
SUM = st.integers(-LARGEST_SUM, LARGEST_SUM)
NAME = st.from_regex("[a-z0-9-]{1,63}", fullmatch=True)
RUN = st.datetimes(
    timezones=st.just(UTC),
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001
    max_value=datetime(9000, 12, 31),  # noqa: DTZ001
)
MONEY = st.builds(Money, currency=TEXT, per_month=st.decimals(0, 10**12, places=2))
LINE = st.builds(SourceLine, file=TEXT, line=COUNT)
MAPPING = st.dictionaries(TEXT, JSON, max_size=3)
FINDING = st.builds(
    Finding, fingerprint=TEXT, policy=TEXT, check=TEXT, subject=st.builds(Subject, id=TEXT, name=TEXT), source=LINE,
    waiver=st.none() | TEXT, detail=st.none() | TEXT, evidence=MAPPING, money=st.none() | MONEY, guidance=TEXT,
    product=st.none() | st.builds(ProductReference, sku_id=st.none() | TEXT, sku_part_number=st.none() | TEXT),
)  # fmt: skip
FINDINGS = st.lists(FINDING, max_size=2).map(tuple)
OUTCOMES = st.lists(
    st.builds(PolicyOutcome, id=TEXT, findings=COUNT, reason=st.none() | MESSAGE, missing=WORDS), max_size=2
).map(tuple)
NOTICES = st.lists(st.builds(Notice, code=TEXT, message=MESSAGE, subject=TEXT), max_size=2).map(tuple)
SEATS = st.builds(
    SeatCount,
    sku_id=TEXT,
    sku_part_number=TEXT,
    name=TEXT,
    applies_to=st.sampled_from(["User", "Company"]),
    **dict.fromkeys(("enabled", "warning", "suspended", "locked_out", "consumed"), NUMBER),
    **dict.fromkeys(("usable", "spare"), st.none() | SUM),
    bounds=st.lists(st.builds(SeatBounds, policy=TEXT, usable=SUM, minimum=NUMBER, maximum=NUMBER), max_size=2).map(
        tuple
    ),
)
SUBSCRIPTION = st.builds(
    Subscription,
    id=TEXT,
    sku_id=TEXT,
    sku_part_number=TEXT,
    name=TEXT,
    status=st.none() | TEXT,
    total_licenses=NUMBER,
    next_lifecycle_date_time=INSTANT,
)
TENANT = st.builds(
    TenantResult, name=NAME, tenant_id=TEXT, as_of=RUN, display_name=TEXT, locale=st.none() | TEXT, complete=st.booleans(),
    sources=st.lists(st.builds(Coverage, asked=WORDS, reason=st.none() | MESSAGE, read_at=st.none() | TEXT), max_size=1).map(tuple),
    seats=st.lists(SEATS, max_size=1).map(tuple), subscriptions=st.lists(SUBSCRIPTION, max_size=2).map(tuple), policies=OUTCOMES, findings=FINDINGS, notices=NOTICES, fixed=FINDINGS,
    unconfirmed=FINDINGS, closed=WORDS, touched_waivers=WORDS, balance=st.lists(st.builds(BalanceShare, sku_ids=WORDS, doubtful=WORDS), max_size=1).map(tuple), failure=st.none() | MESSAGE,
    actions=st.lists(st.builds(Action, findings=WORDS, prerequisites=WORDS, steps=WORDS, warnings=WORDS,
                               links=st.lists(st.builds(Link, label=TEXT, address=TEXT), max_size=1).map(tuple),
                               requests=st.lists(MAPPING, max_size=1).map(tuple), money=st.none() | MONEY,
                               kind=TEXT, order=TEXT, count=COUNT, owner=TEXT, decided_by=TEXT, confidence=TEXT,
                               irreversible=st.lists(COUNT, max_size=2).map(tuple), before=st.none() | MONEY, after=st.none() | MONEY), max_size=1).map(tuple),
)  # fmt: skip
HEADER = st.builds(PolicyHeader, tags=WORDS, source=LINE, spec=MAPPING)
RESULT = st.builds(
    Result,
    run=st.builds(Run, as_of=RUN, policies=st.lists(HEADER, max_size=2).map(tuple), definitions=MAPPING, previous=st.none() | RUN),
    tenants=st.lists(TENANT, max_size=2, unique_by=lambda tenant: tenant.name).map(tuple),
    fleet=st.builds(FleetResult, policies=OUTCOMES, findings=FINDINGS, notices=NOTICES, fixed=FINDINGS, unconfirmed=FINDINGS, closed=WORDS,
                    past=st.none() | st.builds(FleetPast, findings=FINDINGS, unconfirmed=FINDINGS, closed=WORDS)),
    summary=st.builds(Summary, open=st.fixed_dictionaries(dict.fromkeys(Severity, COUNT)), waived=COUNT, not_evaluated=COUNT),
)  # fmt: skip


def result_json(document: Result) -> bytes:
    return rendered_bytes(document, "json")


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(RESULT)
def test_any_result_is_loaded_unchanged(original: Result) -> None:
    body = result_json(original)
    loaded = load(body)
    assert loaded == original
    assert result_json(loaded) == body


def test_sample_result_is_loaded_unchanged() -> None:
    comparison = compared()
    assert load(result_json(comparison)) == comparison


def _changed(change: Callable[[Any], object]) -> bytes:
    document = json.loads(result_json(result()))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"schema": NaN}', b"[" * 100_000, result_json(result())[:5000]]
)
def test_invalid_json_is_an_error(body: bytes) -> None:
    with pytest.raises(SnapshotError) as caught:
        load(body, where="out/result.json")
    assert caught.value.slug == "result-damaged"
    assert "out/result.json" in caught.value.message


@pytest.mark.parametrize("schema", [None, 1, "auditor/plan/v1", "auditor/result", "auditor/result/v1x"])
def test_document_with_another_schema_is_an_error(schema: object) -> None:
    with pytest.raises(SnapshotError) as caught:
        load(_changed(lambda document: document.update(schema=schema)))
    assert caught.value.slug == "result-foreign"


def test_newer_version_is_an_error_with_a_hint() -> None:
    with pytest.raises(SnapshotError) as caught:
        load(_changed(lambda document: document.update(schema="auditor/result/v2")))
    assert caught.value.slug == "result-version"
    assert "update" in str(caught.value.hint)


def test_unknown_and_missing_optional_keys_are_accepted() -> None:
    def strip(document: Any) -> None:
        document["later"] = 1
        for key in (
            "displayName",
            "agreement",
            "locale",
            "asOf",
            "fixed",
            "unconfirmed",
            "closed",
            "balance",
            "failure",
        ):
            del document["tenants"][0][key]
        del document["run"]["definitions"], document["run"]["previous"]

    tenant = load(_changed(strip)).tenants[0]
    assert (tenant.agreement, tenant.fixed, tenant.failure) == ("unknown", (), None)
    assert tenant.as_of == result().run.as_of


def test_money_is_loaded_exactly() -> None:
    amount = next(finding.money for finding in load(result_json(result())).tenants[0].findings if finding.money)
    assert amount == Money(currency="EUR", per_month=Decimal("28.1"))


def _seats(**numbers: float) -> Callable[[Any], object]:
    return lambda document: document["tenants"][0]["seats"][0].update(numbers)


def _evidence(number: float) -> Callable[[Any], object]:
    return lambda document: document["tenants"][0]["findings"][0].update(evidence={"a": [{"b": number}]})


def _requests(number: float) -> Callable[[Any], object]:
    return lambda document: document["tenants"][0]["actions"][0].update(requests=[{"body": {"n": number}}])


def _definitions(number: float) -> Callable[[Any], object]:
    return lambda document: document["run"].update(definitions={"n": [number]})


def _amount(number: float) -> Callable[[Any], object]:
    return lambda document: document["tenants"][0]["findings"][1].update(money={"currency": "EUR", "perMonth": number})


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63) + 1, 2**53 + 1, 1e299, -1e299, 1e18, 0.1, 5e-324])
def test_numbers_are_loaded_exactly(number: float) -> None:
    def set_numbers(document: Any) -> None:
        for change in (_evidence, _requests, _definitions):
            change(number)(document)

    loaded = load(_changed(set_numbers))
    assert loaded.tenants[0].findings[0].evidence == {"a": [{"b": number}]}
    assert loaded.tenants[0].actions[0].requests == ({"body": {"n": number}},)
    assert loaded.run.definitions == {"n": [number]}


def test_largest_counts_and_amounts_are_loaded() -> None:
    def set_largest(document: Any) -> None:
        _seats(enabled=LARGEST, consumed=-LARGEST, usable=LARGEST_SUM, spare=-LARGEST_SUM)(document)
        _amount(LARGEST)(document)

    [seats, *_] = load(_changed(set_largest)).tenants[0].seats
    assert (seats.enabled, seats.consumed, seats.usable, seats.spare) == (LARGEST, -LARGEST, LARGEST_SUM, -LARGEST_SUM)
    money = load(_changed(set_largest)).tenants[0].findings[1].money
    assert money == Money(currency="EUR", per_month=Decimal(LARGEST))


@pytest.mark.slow
@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64, -(2**63) - 1, 2**200, 10**30 + 1, 1e300])
@pytest.mark.parametrize(
    ("change", "location"),
    [
        (_evidence, "tenants[0].findings[0].evidence"),
        (_requests, "tenants[0].actions[0].requests[0]"),
        (_definitions, "run.definitions"),
        (_amount, "tenants[0].findings[1].money.perMonth"),
    ],
)
def test_number_out_of_range_is_an_error(
    number: float, change: Callable[[float], Callable[[Any], object]], location: str
) -> None:
    with pytest.raises(SnapshotError) as caught:
        load(_changed(change(number)))
    assert caught.value.slug == "result-damaged"
    assert location in caught.value.message


@pytest.mark.parametrize(
    ("change", "location"),
    [
        (lambda document: document.pop("run"), "'run' is missing"),
        (lambda document: document["run"].update(asOf="yesterday"), "run.asOf"),
        (lambda document: document["run"].update(asOf="2026-11-20T02:17:00"), "run.asOf"),
        (lambda document: document["tenants"][0].update(complete="yes"), "tenants[0].complete"),
        (
            lambda document: document["tenants"][0]["findings"][3].update(severity="urgent"),
            "tenants[0].findings[3].severity",
        ),
        (lambda document: document["tenants"][0]["findings"][3]["subject"].pop("id"), "tenants[0].findings[3].subject"),
        (lambda document: document["tenants"][0]["seats"][1].update(enabled=1.5), "tenants[0].seats[1].enabled"),
        (
            lambda document: document["tenants"][0]["policies"][0].update(findings=True),
            "tenants[0].policies[0].findings",
        ),
        (lambda document: document["tenants"][0].update(findings=[7]), "tenants[0].findings[0]"),
        (lambda document: document["tenants"][0].update(unconfirmed=[7]), "tenants[0].unconfirmed[0]"),
        (lambda document: document["tenants"][0].update(closed=[7]), "tenants[0].closed[0]"),
        (lambda document: document["tenants"][0].update(actions={}), "tenants[0].actions"),
        (
            lambda document: document["tenants"][0]["findings"][4].update(money={"currency": "EUR", "perMonth": "1"}),
            "money.perMonth",
        ),
        (lambda document: document["summary"]["open"].pop("high"), "'high' is missing"),
        (
            lambda document: document["tenants"][0].update(findings=[*document["tenants"][0]["findings"] * 200, 7]),
            f"tenants[0].findings[{200 * len(result().tenants[0].findings)}]",
        ),
        (_seats(enabled=LARGEST + 1), "seats[0].enabled"),
        (_seats(consumed=-LARGEST - 1), "seats[0].consumed"),
        (_seats(usable=LARGEST_SUM + 1), "seats[0].usable"),
        (_seats(spare=-LARGEST_SUM - 1), "seats[0].spare"),
        (_amount(LARGEST + 1), "findings[1].money.perMonth"),
        (
            lambda document: document["tenants"][0]["findings"][0]["source"].update(line=LARGEST + 1),
            "findings[0].source.line",
        ),
    ],
)
def test_invalid_value_is_an_error_with_its_location(change: Callable[[Any], object], location: str) -> None:
    with pytest.raises(SnapshotError) as caught:
        load(_changed(change))
    assert caught.value.slug == "result-damaged"
    assert location in caught.value.message


def test_balance_share_of_an_earlier_version_has_no_waivers() -> None:
    def set_share(document: Any) -> None:
        document["tenants"][0]["balance"] = [{"policy": "p", "skuIds": [], "doubtful": [], "reason": None}]

    loaded = load(_changed(set_share))
    assert [share.waivers for share in loaded.tenants[0].balance] == [None]
    assert load(result_json(loaded)) == loaded


def test_equal_values_of_findings_are_shared_objects() -> None:
    findings = [finding for finding in load(result_json(result())).tenants[0].findings if finding.policy == "leavers"]
    assert len({id(finding.source) for finding in findings}) == 1
    assert len({id(finding.product) for finding in findings}) == 3
    assert len({id(finding.money) for finding in findings}) == 3


def test_descriptive_texts_may_be_null() -> None:
    def set_null(document: Any) -> None:
        document["run"]["policies"][0].update(title=None, rationale=None, owner=None)
        document["tenants"][0]["findings"][0]["subject"].update(name=None)
        document["tenants"][0]["seats"][0].update(name=None, skuPartNumber=None)
        document["tenants"][0]["sources"][0].update(count=None)

    loaded = load(_changed(set_null))
    assert (
        loaded.run.policies[0].title
        == loaded.tenants[0].findings[0].subject.name
        == loaded.tenants[0].seats[0].name
        == ""
    )
