"""Tests that the first page and the count of users are requested concurrently, and that agent users are identified."""

from collections.abc import Callable
from threading import Barrier, Lock
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Source
from tests.builders.tenant.collection import PEOPLE, SIGN_INS, collect
from tests.builders.tenant.other_graphs import COUNT, Accent, collected_from, person
from tests.emulator.fixtures import auditor_app, running_emulator
from tests.emulator.tenant.directory import load, stable_id

pytestmark = pytest.mark.slow
Response = tuple[int, dict[str, str], bytes] | None
_DENIED_BODY = b'{"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}'


def names(count: int) -> list[str]:
    return [f"user{number}@contoso.example" for number in range(count)]


def list_requests(accent: Accent) -> int:
    """Return how often the first page of users was requested."""
    return len([path for path in accent.asked if "/users?" in path and "$skiptoken" not in path])


def test_first_page_and_count_are_requested_concurrently() -> None:
    """Each is answered only after the other was requested."""
    barrier, lock, kinds = Barrier(2), Lock(), set[str]()

    def first(path: str) -> Response:
        kind = "count" if "/$count" in path else "page" if "/users?" in path else ""
        with lock:
            waits = kind != "" and kind not in kinds
            kinds.add(kind)
        if waits:
            barrier.wait(timeout=60)
        return None

    snapshot = collected_from(Accent(first=first), PEOPLE)
    assert snapshot.manifest.complete
    assert sorted(snapshot.users()) == names(COUNT)
    assert not barrier.broken
    assert {"count", "page"} <= kinds


@pytest.mark.parametrize(
    ("count", "status", "expected_requests"),
    [
        (COUNT - 3, "complete", 1),  # the index of the count lags behind
        (COUNT, "complete", 1),
        (COUNT + 1, "complete", 2),  # after a second reading, one user may have been deleted in the meantime
        (COUNT + 2, "partial", 2),
        (50_000, "partial", 2),  # enough for shards, but there are no names from which to derive their bounds
        (0, "complete", 1),
    ],
)
def test_list_is_read_again_if_it_is_shorter_than_the_count(count: int, status: str, expected_requests: int) -> None:
    accent = Accent(count=(200, str(count).encode()))
    snapshot = collected_from(accent, PEOPLE)
    assert snapshot.status(Source.USERS) == status
    assert sorted(snapshot.users()) == names(COUNT)
    assert list_requests(accent) == expected_requests
    if status == "partial":
        assert f"{count:,}" in snapshot.reason(Source.USERS)
        assert f"{COUNT:,}" in snapshot.reason(Source.USERS)


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_users_are_read_if_the_count_fails(status: int) -> None:
    accent = Accent(count=(status, _DENIED_BODY))
    snapshot = collected_from(accent, PEOPLE)
    assert snapshot.manifest.complete
    assert sorted(snapshot.users()) == names(COUNT)
    assert list_requests(accent) == 1


@pytest.mark.parametrize("count", [COUNT, 50_000])
def test_denied_first_page_is_reported_if_the_count_is_available(count: int) -> None:
    accent = Accent(count=(200, str(count).encode()), first=deny(lambda path: "signInActivity" not in path))
    snapshot = collected_from(accent, SIGN_INS)
    assert snapshot.status(Source.USERS) == "denied"
    assert not snapshot.tables["users"].num_rows
    assert snapshot.status(Source.SIGN_IN_ACTIVITY) in {"complete", "partial"}, "it does not depend on users"


def test_users_of_the_first_page_are_kept_if_a_later_page_is_denied() -> None:
    accent = Accent(first=deny(lambda path: "$skiptoken" in path))
    snapshot = collected_from(accent, PEOPLE)
    assert snapshot.status(Source.USERS) == "partial"
    assert sorted(snapshot.users()) == names(3)


def test_users_of_the_first_page_are_not_duplicated_if_the_list_is_restarted() -> None:
    """An expired page token restarts the list; users of the first page are in the snapshot once."""
    body = b'{"error": {"code": "Directory_ExpiredPageToken", "message": "gone"}}'
    pending_failures = [1]

    def first(path: str) -> Response:
        if "$skiptoken" in path and pending_failures:
            pending_failures.clear()
            return 400, {}, body
        return None

    accent = Accent(first=first)
    snapshot = collected_from(accent, PEOPLE)
    assert snapshot.manifest.complete
    assert sorted(snapshot.users()) == names(COUNT)
    assert list_requests(accent) == 2


def test_tenant_without_users() -> None:
    snapshot = collected_from(Accent(people=[], count=(200, b"0")), PEOPLE)
    assert snapshot.manifest.complete
    assert not snapshot.users()


def test_users_without_an_id_are_counted_once_if_the_list_is_read_again() -> None:
    people: list[Any] = [None, None, None, *map(person, range(COUNT))]
    accent = Accent(people=people, count=(200, str(len(people)).encode()))
    snapshot = collected_from(accent, PEOPLE)
    assert list_requests(accent) == 2
    assert "users without an id: 3;" in snapshot.reason(Source.USERS)


def test_first_page_without_valid_users_does_not_end_the_list() -> None:
    people: list[Any] = [None, None, None, *map(person, range(COUNT))]
    snapshot = collected_from(Accent(people=people), PEOPLE)
    assert sorted(snapshot.users()) == names(COUNT)


def deny(predicate: Callable[[str], bool]) -> Callable[[str], Response]:
    """Return a handler that denies the requests for users whose path satisfies a predicate."""

    def first(path: str) -> Response:
        return (403, {}, _DENIED_BODY) if "/users?" in path and predicate(path) else None

    return first


AGENTS = replace(PEOPLE, user_properties=(*PEOPLE.user_properties, "agent"))
_USERS: dict[str, dict[str, object]] = {
    "ann@contoso.example": {},
    "typed@contoso.example": {"@odata.type": "#microsoft.graph.agentUser"},
    "parent@contoso.example": {"identityParentId": "7d0f2f6c-6b5c-4b0a-9a53-0d6f3f1f8f10"},
    "blank@contoso.example": {"identityParentId": "", "@odata.type": "#microsoft.graph.user"},
    "odd@contoso.example": {"identityParentId": 7},
}


@pytest.mark.parametrize(("refused", "agents"), [(False, {"typed", "parent"}), (True, {"typed"})])
def test_agents_are_identified_by_type_or_parent(refused: bool, agents: set[str]) -> None:  # noqa: FBT001
    document = {
        "name": "contoso",
        "tenantId": stable_id("agents", "contoso"),
        "users": [{"userPrincipalName": name, **more} for name, more in _USERS.items()],
    }
    tenant = load(document)
    tenant.register(auditor_app())
    with running_emulator([tenant]) as graph:
        if refused:
            graph.faults.add("bad-request", path="/users", times=1)
        snapshot = collect(graph, AGENTS)
        requests = graph.journal.of("/users")
    users = snapshot.users()
    assert snapshot.status(Source.USERS) == "complete"
    assert {name.partition("@")[0] for name, row in users.items() if row["agent"]} == agents
    assert users["ann@contoso.example"]["agent"] is False
    assert (users["odd@contoso.example"]["notCollected"] == ["agent"]) is not refused
    assert "agent" in snapshot.manifest.coverage(Source.USERS).asked
    assert ["identityParentId" in str(record.query) for record in requests] == ([True, False] if refused else [True])


def test_agent_property_is_not_requested_if_no_policy_needs_it() -> None:
    tenant = load({"name": "contoso", "tenantId": stable_id("agents", "none"), "users": []})
    tenant.register(auditor_app())
    with running_emulator([tenant]) as graph:
        snapshot = collect(graph, PEOPLE)
        assert all("identityParentId" not in str(record.query) for record in graph.journal.of("/users"))
    assert "agent" not in snapshot.manifest.coverage(Source.USERS).asked
