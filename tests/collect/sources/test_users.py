"""The first page of users and the question how many there are leave together, and one of them may say otherwise."""

from collections.abc import Callable
from threading import Barrier, Lock
from typing import Any

import pytest

from auditor.domain.enums import Source
from tests.builders.tenant.collection import PEOPLE, SIGN_INS
from tests.builders.tenant.other_graphs import COUNT, Accent, collected_from, person

Told = tuple[int, dict[str, str], bytes] | None
_REFUSED = b'{"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}'


def names(count: int) -> list[str]:
    return [f"user{number}@contoso.example" for number in range(count)]


def listed(accent: Accent) -> int:
    """How often the list was begun."""
    return len([path for path in accent.asked if "/users?" in path and "$skiptoken" not in path])


def test_neither_waits_for_the_other() -> None:
    """Each is answered only when the other has been asked for too."""
    both, lock, met = Barrier(2), Lock(), set[str]()

    def first(path: str) -> Told:
        kind = "count" if "/$count" in path else "page" if "/users?" in path else ""
        with lock:
            waits = kind != "" and kind not in met
            met.add(kind)
        if waits:
            both.wait(timeout=60)
        return None

    found = collected_from(Accent(first=first), PEOPLE)
    assert found.manifest.complete
    assert sorted(found.users()) == names(COUNT)
    assert not both.broken
    assert {"count", "page"} <= met


@pytest.mark.parametrize(
    ("count", "status", "begun"),
    [
        (COUNT - 3, "complete", 1),  # the index of the count lags behind
        (COUNT, "complete", 1),
        (COUNT + 1, "complete", 2),  # one may have gone in the meantime, after a second look
        (COUNT + 2, "partial", 2),
        (50_000, "partial", 2),  # enough to be divided, were there names to divide it by
        (0, "complete", 1),
    ],
)
def test_where_they_disagree_the_list_is_read_again_and_the_difference_reported(
    count: int, status: str, begun: int
) -> None:
    accent = Accent(count=(200, str(count).encode()))
    found = collected_from(accent, PEOPLE)
    assert found.status(Source.USERS) == status
    assert sorted(found.users()) == names(COUNT)
    assert listed(accent) == begun
    if status == "partial":
        assert f"{count}" in found.reason(Source.USERS)
        assert f"{COUNT}" in found.reason(Source.USERS)


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_count_that_fails_keeps_nobody_from_being_read(status: int) -> None:
    accent = Accent(count=(status, _REFUSED))
    found = collected_from(accent, PEOPLE)
    assert found.manifest.complete
    assert sorted(found.users()) == names(COUNT)
    assert listed(accent) == 1


@pytest.mark.parametrize("count", [COUNT, 50_000])
def test_a_first_page_that_is_refused_is_reported_though_the_count_is_known(count: int) -> None:
    accent = Accent(count=(200, str(count).encode()), first=refusing(lambda path: "signInActivity" not in path))
    found = collected_from(accent, SIGN_INS)
    assert found.status(Source.USERS) == "denied"
    assert not found.tables["users"].num_rows
    assert found.status(Source.SIGN_IN_ACTIVITY) in {"complete", "partial"}, "it waits for no users"


def test_a_page_after_the_first_that_is_refused_leaves_the_first() -> None:
    accent = Accent(first=refusing(lambda path: "$skiptoken" in path))
    found = collected_from(accent, PEOPLE)
    assert found.status(Source.USERS) == "partial"
    assert sorted(found.users()) == names(3)


def test_a_first_page_is_kept_when_the_list_is_begun_anew() -> None:
    """A place that is forgotten begins the list again; whoever was on the first page stands in the snapshot once."""
    body = b'{"error": {"code": "Directory_ExpiredPageToken", "message": "gone"}}'
    left = [1]

    def first(path: str) -> Told:
        if "$skiptoken" in path and left:
            left.clear()
            return 400, {}, body
        return None

    accent = Accent(first=first)
    found = collected_from(accent, PEOPLE)
    assert found.manifest.complete
    assert sorted(found.users()) == names(COUNT)
    assert listed(accent) == 2


def test_a_tenant_without_anybody_has_a_first_page_too() -> None:
    found = collected_from(Accent(people=[], count=(200, b"0")), PEOPLE)
    assert found.manifest.complete
    assert not found.users()


def test_a_first_page_of_nobody_ends_no_list() -> None:
    people: list[Any] = [None, None, None, *map(person, range(COUNT))]
    found = collected_from(Accent(people=people), PEOPLE)
    assert sorted(found.users()) == names(COUNT)


def refusing(which: Callable[[str], bool]) -> Callable[[str], Told]:
    """Refuse some of the requests for users."""

    def first(path: str) -> Told:
        return (403, {}, _REFUSED) if "/users?" in path and which(path) else None

    return first
