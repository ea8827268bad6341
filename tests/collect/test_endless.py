"""Tests the limits on pages per list, time per answer and bytes per answer."""

import pytest

from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.graph import paging
from auditor.graph.transport import aiohttp_transport
from tests.builders.tenant.collection import PEOPLE, Ticking, collect
from tests.emulator.server import Emulator

pytestmark = pytest.mark.slow


def test_list_is_partial_after_the_maximum_number_of_pages(graph: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 1)
    snapshot = collect(graph, PEOPLE)
    assert snapshot.status(Source.USERS) == "partial"
    assert "has more than 1 page" in snapshot.reason(Source.USERS)


def test_slow_answer_is_given_up_after_the_timeout(graph: Emulator) -> None:
    graph.faults.add("drip", path="/subscribedSkus", seconds=30, times=None)
    needs = Needs(sources=frozenset({Source.ORGANIZATION, Source.SUBSCRIBED_SKUS}))
    snapshot = collect(graph, needs, retry_policy=Ticking().retry_policy(answer_timeout=0.3, failures=2))
    assert snapshot.status(Source.ORGANIZATION) == "complete"
    assert snapshot.status(Source.SUBSCRIBED_SKUS) == "unavailable"
    assert "not complete after" in snapshot.reason(Source.SUBSCRIBED_SKUS)


def test_answer_above_the_size_limit_is_given_up(graph: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiohttp_transport, "MAX_BYTES", 5_000)
    needs = Needs(sources=frozenset({Source.ORGANIZATION, Source.SUBSCRIBED_SKUS}))
    snapshot = collect(graph, needs)
    assert snapshot.status(Source.ORGANIZATION) == "complete"
    assert snapshot.status(Source.SUBSCRIBED_SKUS) == "unavailable"
    assert "a response of more than 5,000 bytes" in snapshot.reason(Source.SUBSCRIBED_SKUS)
