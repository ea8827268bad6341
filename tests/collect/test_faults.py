"""Tests all faults of the emulator: recoverable ones do not change the snapshot, others are reported."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from auditor.domain.enums import Source
from auditor.domain.errors import GraphError
from auditor.domain.policy.data_needs import Needs
from tests.builders.tenant.collection import AGGREGATES, PEOPLE, SIGN_INS, Collected, Ticking, collect, configured
from tests.emulator.server import Emulator

NEEDS = PEOPLE.union(SIGN_INS).union(
    Needs(
        sources=AGGREGATES | {Source.GROUPS, Source.MEMBERS},
        groups=("LIC-E3",),
        transitive_groups=("LIC-F3",),
        licensed_groups=True,
    )
)

AddFault = Callable[[Emulator], None]


def fault(kind: str, **fields: Any) -> AddFault:
    def add_fault(emulator: Emulator) -> None:
        emulator.faults.add(kind, **fields)

    return add_fault


def both(*faults: AddFault) -> AddFault:
    def add_fault(emulator: Emulator) -> None:
        for add in faults:
            add(emulator)

    return add_fault


SECOND = {"path": "/users", "query": "$skiptoken"}

RECOVERABLE: dict[str, AddFault] = {
    "Retry-After in whole seconds": fault("throttled", path="/users", retry_after="2"),
    "Retry-After in decimal seconds": fault("throttled", **SECOND, retry_after="2.128"),
    "Retry-After as a date": fault("throttled", path="/users", retry_after="date:5"),
    "a long Retry-After": fault("throttled", **SECOND, retry_after="600"),
    "no Retry-After": fault("throttled", path="/users", times=3, retry_after=None),
    "everything throttled once": fault("throttled", times=6, retry_after="1"),
    "500": fault("server-error", path="/users", times=3, status=500),
    "502": fault("server-error", **SECOND, times=2, status=502),
    "503": fault("server-error", path="/subscribedSkus", times=4, status=503),
    "503 with Retry-After": fault("server-error", path="/users", status=503, retry_after="1.5"),
    "504": fault("server-error", path="/groups*", times=2, status=504),
    "504 of HTML": fault("html", path="/users", times=2, status=504),
    "an HTML page that says 200": fault("html", path="/users", status=200),
    "reset": fault("reset", path="/users", times=2),
    "reset on a later page": fault("reset", **SECOND),
    "truncated body": fault("truncated", path="/users", times=2),
    "truncated small source": fault("truncated", path="/directory/subscriptions"),
    "empty body": fault("empty-body", path="/users", times=2),
    "expired page token": fault("expired-page-token", **SECOND, times=2),
    "lost page token": fault("lost-page-token", **SECOND),
    "tokens of retried requests are refused": both(
        fault("retried-tokens", path="/users", times=None), fault("server-error", **SECOND, status=503)
    ),
    "resync": fault("resync", **SECOND),
    "an empty page with a link": fault("empty-page", path="/users"),
    "every page empty first": fault("empty-page", path="/users", times=3),
    "a link to the same page": fault("next-link-loop", path="/users"),
    "a link to the same host in capitals": fault("next-link-foreign", path="/users", value="upper-case"),
    "a lost link": fault("next-link-missing", path="/users", query="assignedLicenses"),
    "a lost link of sign-ins": fault("next-link-missing", path="/users", query="signInActivity"),
    "duplicates": fault("duplicates", path="/users", times=None),
    "a user moved between pages": fault("moved", path="/users", query="assignedLicenses", times=2),
    "claims challenge": fault("claims-challenge", path="/users"),
    "claims challenge in the middle": fault("claims-challenge", **SECOND, times=2),
    "the token expires in the middle": fault("token-expired", **SECOND),
    "a premium tenant that is told it is none": fault("non-premium", path="/users", query="signInActivity", times=2),
    "more than 120 users at a time": fault("too-many-users", path="/users", query="signInActivity"),
    "activity left out": fault("sign-in-empty", path="/users", query="$top=500", value="2", times=None),
    "error null": fault("error-null", path="/users", times=None),
    "undeclared keys": fault("extra-keys", times=None),
    "identifiers in capitals": fault("upper-case-ids", path="/users", times=None),
    "the count lags behind": fault("count-drift", path="/users/$count", value="-3", times=None),
    "the count fails": fault("server-error", path="/users/$count", status=500, times=None),
    "a body in drops": fault("drip", path="/subscribedSkus", seconds=0.2),
    "sign-in throttled": fault("throttled", path="/*/oauth2/v2.0/token", retry_after="0"),
    "sign-in fails once": fault("server-error", path="/*/oauth2/v2.0/token", status=503),
}


@pytest.fixture(scope="module")
def undisturbed(running: Emulator) -> Collected:
    running.faults.clear()
    return collect(running, NEEDS)


def equal_tables(table: pa.Table, expected: pa.Table) -> bool:
    """Return whether two tables are equal if an error of "None" is treated as null."""
    rows, expected_rows = table.to_pylist(), expected.to_pylist()
    for row in (*rows, *expected_rows):
        if row.get("error") == "None":
            row["error"] = None
    return bool(rows == expected_rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECOVERABLE)
def test_recoverable_fault_does_not_change_the_snapshot(graph: Emulator, undisturbed: Collected, name: str) -> None:
    RECOVERABLE[name](graph)
    snapshot = collect(graph, NEEDS)
    assert {source.name: source.status for source in snapshot.manifest.sources} == {
        source.name: source.status for source in undisturbed.manifest.sources
    }, [source.reason for source in snapshot.manifest.sources]
    assert snapshot.manifest.complete
    for table, content in undisturbed.tables.items():
        assert equal_tables(snapshot.tables[table], content), table
    assert any(record.faults for record in graph.journal.records), "the fault was applied"


@pytest.mark.slow
def test_snapshot_without_faults_is_complete(undisturbed: Collected) -> None:
    assert undisturbed.tables["users"].num_rows == 1_300
    ids = undisturbed.tables["users"]["id"].to_pylist()
    assert ids == sorted(set(ids))
    assert undisturbed.tables["assignments"].num_rows > 1_300
    assert undisturbed.tables["members"].num_rows > 500


@pytest.mark.slow
def test_retry_after_is_respected(graph: Emulator) -> None:
    graph.faults.add("throttled", path="/users", retry_after="2.128")
    snapshot = collect(graph, PEOPLE)
    assert any(2.1 <= seconds <= 2.2 for seconds in snapshot.time.slept)


UNRECOVERABLE: dict[str, tuple[AddFault, str, str]] = {
    "denied": (fault("denied", path="/users", times=None), "denied", "grant"),
    "denied in the middle": (fault("denied", **SECOND, times=None), "partial", "grant"),
    "failing for ever, to be asked again at once": (
        fault("server-error", path="/users", status=503, retry_after="0", times=None),
        "unavailable",
        "later",
    ),
    "throttled for ever, to be asked again at once": (
        fault("throttled", path="/users", retry_after="0", times=None),
        "unavailable",
        "quota",
    ),
    "never to be reached": (fault("reset", path="/users", times=None), "unavailable", "network"),
    "always failing": (fault("server-error", path="/users", status=500, times=None), "unavailable", "later"),
    "failing from the second page on": (fault("server-error", **SECOND, status=500, times=None), "partial", "later"),
    "throttled for ever": (fault("throttled", path="/users", retry_after="60", times=None), "unavailable", "quota"),
    "told to wait for a day": (fault("throttled", path="/users", retry_after="86400"), "unavailable", "quota"),
    "page tokens expire for ever": (
        fault("expired-page-token", **SECOND, times=None),
        "partial",
        "rejected its own page tokens",
    ),
    "round in circles": (fault("next-link-loop", path="/users", times=None), "partial", "had no last page"),
    "always cut off": (fault("truncated", path="/users", times=None), "unavailable", "network"),
    "HTML for ever": (fault("html", path="/users", status=200, times=None), "unavailable", "proxy"),
    "HTML that forbids": (fault("html", path="/users", status=403, times=None), "unavailable", "proxy"),
    "fewer users than counted": (
        fault("count-drift", path="/users/$count", value="200", times=None),
        "partial",
        "1,500",
    ),
    "a lost link for ever": (fault("next-link-missing", path="/users", times=None), "partial", "counts"),
    "signed out in the middle": (
        both(
            fault("token-expired", **SECOND),
            fault("html", path="/*/oauth2/v2.0/token", status=403, first=2, times=None),
        ),
        "partial",
        "the sign-in was refused",
    ),
    **{
        f"a link that leads away: {value}": (
            fault("next-link-foreign", path="/users", value=value, times=None),
            "partial",
            "does not point to",
        )
        for value in ("foreign", "userinfo", "look-alike", "subdomain", "backslash", "relative")
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNRECOVERABLE)
def test_unrecoverable_fault_is_reported(graph: Emulator, name: str) -> None:
    add_fault, status, phrase = UNRECOVERABLE[name]
    add_fault(graph)
    snapshot = collect(graph, PEOPLE.union(Needs(sources=AGGREGATES)))
    assert snapshot.status(Source.USERS) == status
    assert phrase in snapshot.reason(Source.USERS)
    assert not snapshot.manifest.complete
    for source in AGGREGATES:
        assert snapshot.status(source) == "complete", "other sources are not affected"
    if status == "partial":
        assert snapshot.tables["users"].num_rows
    else:
        assert snapshot.tables["users"].num_rows == 0


def test_sign_ins_are_unavailable_without_a_premium_licence(graph: Emulator) -> None:
    graph.faults.add("non-premium", path="/users", query="signInActivity", times=None)
    snapshot = collect(graph, SIGN_INS)
    assert snapshot.status(Source.USERS) == "complete"
    assert snapshot.status(Source.SIGN_IN_ACTIVITY) == "unavailable"
    assert "P1 or P2" in snapshot.reason(Source.SIGN_IN_ACTIVITY)


@pytest.mark.slow
def test_sign_ins_are_partial_if_their_list_is_always_shorter_than_that_of_users(graph: Emulator) -> None:
    graph.faults.add("next-link-missing", path="/users", query="signInActivity", times=None)
    snapshot = collect(graph, SIGN_INS)
    assert snapshot.status(Source.USERS) == "complete"
    assert snapshot.status(Source.SIGN_IN_ACTIVITY) == "partial"
    assert "Graph counts 1,300 users, but twice listed only" in snapshot.reason(Source.SIGN_IN_ACTIVITY)


@pytest.mark.slow
def test_users_missing_from_the_sign_in_pass_are_marked(graph: Emulator) -> None:
    graph.faults.add("denied", path="/users", query="$skiptoken", times=None)
    snapshot = collect(graph, SIGN_INS.union(PEOPLE))
    not_collected = [row["notCollected"] for row in snapshot.users().values()]
    assert snapshot.status(Source.SIGN_IN_ACTIVITY) == "partial"
    assert not_collected.count(["signInActivity"]) == len(not_collected) - 500 > 0


def test_sign_ins_that_small_pages_omit_too_are_unknown(graph: Emulator) -> None:
    graph.faults.add("sign-in-empty", path="/users", query="signInActivity", value="2", times=None)
    snapshot = collect(graph, SIGN_INS)
    assert snapshot.status(Source.SIGN_IN_ACTIVITY) == "partial"
    assert "twice omitted the sign-ins of users who have some" in snapshot.reason(Source.SIGN_IN_ACTIVITY)


def test_collection_without_any_data_is_an_error(graph: Emulator) -> None:
    graph.faults.add("server-error", status=500, times=None)
    with pytest.raises(GraphError, match="HTTP 500"):
        collect(graph, PEOPLE.union(Needs(sources=AGGREGATES)), retry_policy=Ticking().retry_policy(failures=2))


@pytest.mark.slow
def test_denied_groups_do_not_affect_users(graph: Emulator) -> None:
    graph.faults.add("denied", path="/groups*", times=None)
    snapshot = collect(graph, NEEDS)
    assert {snapshot.status(Source.GROUPS), snapshot.status(Source.MEMBERS)} == {"denied"}
    assert snapshot.status(Source.USERS) == "complete"


def test_missing_group_leaves_the_sources_complete(graph: Emulator) -> None:
    # There was nothing else to read; the policy that names the group is not evaluated (test_audit.py).
    needs = Needs(sources=frozenset({Source.GROUPS, Source.MEMBERS}), groups=("LIC-E3", "Nobody's"))
    snapshot = collect(graph, needs)
    assert {snapshot.status(Source.GROUPS), snapshot.status(Source.MEMBERS)} == {"complete"}
    assert [row["displayName"] for row in snapshot.tables["groups"].to_pylist()] == ["LIC-E3"]
    assert snapshot.tables["groups"].to_pylist()[0]["membersStatus"] == "complete"


@pytest.mark.slow
def test_null_in_every_property_is_kept_as_null(graph: Emulator) -> None:
    graph.faults.add("nulls", times=None)
    snapshot = collect(graph, NEEDS)
    assert snapshot.tables["users"].num_rows == 1_300
    assert snapshot.tables["products"]["enabled"].null_count == snapshot.tables["products"].num_rows


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["year-one", "empty-dates"])
def test_dates_that_mean_never_are_null(graph: Emulator, kind: str) -> None:
    graph.faults.add(kind, path="/users", times=None)
    snapshot = collect(graph, SIGN_INS)
    assert snapshot.tables["users"]["lastSignInDateTime"].null_count == 1_300
    assert snapshot.tables["users"]["notCollected"].null_count == 1_300


def test_missing_locked_out_is_null(graph: Emulator) -> None:
    graph.faults.add("no-locked-out", times=None)
    snapshot = collect(graph, Needs(sources=AGGREGATES))
    products = snapshot.tables["products"]
    assert products["lockedOut"].null_count == products.num_rows > 0
    assert products["enabled"].null_count == 0


@pytest.mark.slow
def test_unknown_enum_values_are_kept(graph: Emulator) -> None:
    graph.faults.add("unknown-enums", times=None)
    snapshot = collect(graph, PEOPLE)
    assert "unknownFutureValue" in set(snapshot.tables["assignments"]["state"].to_pylist())


def test_collection_of_the_small_tenant(graph: Emulator) -> None:
    needs = PEOPLE.union(Needs(sources=frozenset({Source.MAILBOXES})))
    snapshot = collect(graph, needs, tenant=configured(graph, "fabrikam"))
    users = snapshot.users()
    assert users["info@fabrikam.example"]["mailboxType"] == "shared"
    assert users["bram@fabrikam.example"]["accountEnabled"] is False
    assert users["dora@fabrikam.example"]["usageLocation"] is None
    assert snapshot.tables["assignments"].num_rows == 4
