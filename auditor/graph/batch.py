"""Sends requests to Graph in batches of at most twenty and repeats those that may succeed later."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

import orjson
from msgspec import Struct

from auditor.domain.message import Message
from auditor.failures import in_task
from auditor.graph import requests
from auditor.graph.attempt_outcome import Fail, FailedAttempt, Retry, SignInAgain, outcome_of
from auditor.graph.client import Graph, NotGraphError, not_graph
from auditor.graph.errors import Fault, FaultError, FaultKind
from auditor.graph.response_body import decode_object

T = TypeVar("T")
_Outcome: TypeAlias = T | Fault | FailedAttempt
"""The outcome of one request in a batch: its value, a final fault of its decoder, or the outcome of the attempt."""

MAX_ITEMS = 20
"""Requests per batch: Graph's limit."""
_EVENTUAL = {"headers": {"ConsistencyLevel": "eventual"}}
_MAX_ATTEMPTS = 6
"""Attempts for one request."""
_MAX_CONCURRENCY = 4
_ABSENT = frozenset({FaultKind.MISSING, FaultKind.NO_MAILBOX})


class _Item(Struct, frozen=True, kw_only=True):
    """The answer to one request in a batch."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def read_batches(
    batches: Iterator[list[str]], read: Callable[[list[str]], Awaitable[None]], is_useful: Callable[[], bool]
) -> None:
    """Read the first batch of ids alone, then the others with several workers.

    `is_useful` is called after each batch: if it returns False, the worker ends, because further requests would be
    refused too.
    """

    async def worker() -> None:
        for batch in batches:
            await read(batch)
            if not is_useful():
                return

    first = next(batches, None)
    if first is None:
        return
    await read(first)
    if is_useful():
        await asyncio.gather(*(in_task(worker) for _ in range(_MAX_CONCURRENCY)))


async def answers(
    graph: Graph,
    addresses: Mapping[str, str],
    decode: Callable[[bytes], T | Fault],
    *,
    name: str,
    units: int,
    advanced: bool = False,
) -> dict[str, T | Fault]:
    """Request up to MAX_ITEMS addresses below the Graph root in one batch; return a value or a fault for each key.

    `decode` raises NotGraphError for an unexpected body. Requests with such a body, throttled requests and requests
    with a service failure are repeated in a smaller batch; a fault that `decode` returns is final. `name` is the name
    of the request in messages, `units` is the number of resource units of one request, and `advanced` marks the
    requests as advanced queries.
    """
    retry_policy = graph.retry_policy
    pending = {str(number): key for number, key in enumerate(addresses)}
    results: dict[str, T | Fault] = {}
    last_faults: dict[str, Fault] = {}

    def decode_outcomes(body: bytes) -> dict[str, _Outcome[T]]:
        items = _decode_items(body)
        return {item_id: _outcome(items.get(item_id), decode, name) for item_id in pending}

    for attempt in range(1, _MAX_ATTEMPTS + 1):
        items = tuple(
            {"id": item_id, "method": "GET", "url": addresses[key], **(_EVENTUAL if advanced else {})}
            for item_id, key in pending.items()
        )
        try:
            call = requests.batch(graph, items, units=max(1, units * len(items)))
            answer = await graph.answer(call, decode_outcomes, is_final=_are_final)
        except FaultError as error:
            last_faults.update(dict.fromkeys(pending.values(), error.fault))
            break
        wait = 0.0
        for item_id, outcome in answer.value.items():
            key = pending[item_id]
            match outcome:
                case Retry(fault=fault, wait=requested_wait):
                    last_faults[key] = fault
                    wait = max(wait, requested_wait or retry_policy.wait(attempt))
                case Fail(fault=fault) | SignInAgain(fault=fault):
                    results[pending.pop(item_id)] = fault
                case _:
                    results[pending.pop(item_id)] = outcome
        if not pending or attempt == _MAX_ATTEMPTS or wait > retry_policy.budget:
            break
        await retry_policy.sleep(wait)
    return {**results, **{key: last_faults[key] for key in pending.values()}}


def _are_final(outcomes: Mapping[str, _Outcome[T]]) -> bool:
    """Return whether a later batch would have the same outcomes: values, and objects that do not exist."""
    return all(
        outcome.fault.kind in _ABSENT
        if isinstance(outcome, Fail)
        else not isinstance(outcome, Fault | Retry | SignInAgain)
        for outcome in outcomes.values()
    )


def _outcome(item: _Item | None, decode: Callable[[bytes], T | Fault], name: str) -> _Outcome[T]:
    if item is None:
        return Retry(fault=not_graph(name, Message("the batch has no response to this request")))
    outcome = outcome_of(item.status, item.headers, item.body, request_name=name)
    if outcome is not None:
        return outcome
    try:
        return decode(item.body)
    except NotGraphError as error:
        return Retry(fault=not_graph(name, error.message))


def _decode_items(body: bytes) -> dict[str, _Item]:
    """Decode the body of a batch; returns the answers by item id."""
    responses = decode_object(body).get("responses")
    if not isinstance(responses, list):
        raise NotGraphError(Message("it has no list named 'responses'"))
    return dict(map(_decode_item, responses))


def _decode_item(item: Any) -> tuple[str, _Item]:
    if not isinstance(item, dict) or not isinstance(item.get("status"), int):
        raise NotGraphError(Message("a response in the batch has no status"))
    headers = item.get("headers")
    normalized_headers = {
        str(name).lower(): str(value) for name, value in (headers if isinstance(headers, dict) else {}).items()
    }
    try:
        body = orjson.dumps(item.get("body"))
    except orjson.JSONEncodeError as error:
        raise NotGraphError(
            Message("a response in the batch is nested too deeply, or has numbers out of range")
        ) from error
    return str(item.get("id")), _Item(status=item["status"], headers=normalized_headers, body=body)
