"""What never ends is given up: lists, and answers that drip."""

import pytest

from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.graph import paging
from auditor.graph.transport import aiohttp_transport
from tests.builders.tenant.collection import PEOPLE, Ticking, collect
from tests.emulator.server import Emulator


def test_a_list_that_goes_on_and_on_is_given_up(graph: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 1)
    found = collect(graph, PEOPLE)
    assert found.status(Source.USERS) == "partial"
    assert "has more than 1 page" in found.reason(Source.USERS)


def test_an_answer_that_drips_is_given_up_in_time(graph: Emulator) -> None:
    graph.faults.add("drip", path="/subscribedSkus", seconds=30, times=None)
    needs = Needs(sources=frozenset({Source.ORGANIZATION, Source.SUBSCRIBED_SKUS}))
    found = collect(graph, needs, retry_policy=Ticking().retry_policy(answer_timeout=0.3, failures=2))
    assert found.status(Source.ORGANIZATION) == "complete"
    assert found.status(Source.SUBSCRIBED_SKUS) == "unavailable"
    assert "not complete after" in found.reason(Source.SUBSCRIBED_SKUS)


def test_an_answer_that_is_too_large_is_not_held(graph: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiohttp_transport, "MAX_BYTES", 5_000)
    needs = Needs(sources=frozenset({Source.ORGANIZATION, Source.SUBSCRIBED_SKUS}))
    found = collect(graph, needs)
    assert found.status(Source.ORGANIZATION) == "complete"
    assert found.status(Source.SUBSCRIBED_SKUS) == "unavailable"
    assert "an answer of more than 5,000 bytes" in found.reason(Source.SUBSCRIBED_SKUS)
