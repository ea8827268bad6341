"""Sends reading requests to Graph in batches of at most twenty, and asks again for those that may succeed later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from auditor.collect.json_pages import whole
from auditor.domain.message import Message
from auditor.graph import requests
from auditor.graph.client import Graph, NotGraphError, not_graph
from auditor.graph.errors import Fault, FaultError
from auditor.graph.retry_policy import Fail, Ok, Retry, SignInAgain, classify

T = TypeVar("T")

ITEMS = 20
"""Requests that one batch holds: Graph takes no more."""
_ROUNDS = 6
"""Times that one request is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """The answer to one request of a batch."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def answers(
    graph: Graph, addresses: Mapping[str, str], decode: Callable[[bytes], T | Fault], *, name: str, units: int
) -> dict[str, T | Fault]:
    """Ask for up to ITEMS addresses below the Graph root in one batch; returns a value or a fault for each key.

    `decode` raises NotGraphError for a body that is not what was asked for; such a request, one that was throttled and
    one that the service failed are asked again, in a batch of those that are left. `name` is the request in words for
    people, `units` the resource units of one. A fault that `decode` returns is final.
    """
    retry_policy = graph.retry_policy
    keys = dict(enumerate(addresses))
    left = {str(number): key for number, key in keys.items()}
    found: dict[str, T | Fault] = {}
    later: dict[str, Fault] = {}
    for attempt in range(1, _ROUNDS + 1):
        items = tuple({"id": item, "method": "GET", "url": addresses[key]} for item, key in left.items())
        try:
            call = requests.batch(graph, items, units=max(1, units * len(items)))
            answered = (await graph.answer(call, _items)).value
        except FaultError as error:
            later.update(dict.fromkeys(left.values(), error.fault))
            break
        wait = 0.0
        for item, key in list(left.items()):
            verdict = _verdict(answered.get(item), decode, name)
            match verdict:
                case Retry(fault=fault, wait=request_name):
                    later[key] = fault
                    wait = max(wait, request_name or retry_policy.wait(attempt))
                case Fail(fault=fault) | SignInAgain(fault=fault):
                    found[left.pop(item)] = fault
                case _:
                    found[left.pop(item)] = verdict
        if not left or attempt == _ROUNDS or wait > retry_policy.budget:
            break
        await retry_policy.sleep(wait)
    return {**found, **{key: later[key] for key in left.values()}}


def _verdict(
    item: _Item | None, decode: Callable[[bytes], T | Fault], name: str
) -> T | Fault | Retry | Fail | SignInAgain:
    if item is None:
        return Retry(fault=not_graph(name, Message("the batch came without its answer")))
    verdict = classify(item.status, item.headers, item.body, request_name=name)
    if not isinstance(verdict, Ok):
        return verdict
    try:
        return decode(item.body)
    except NotGraphError as error:
        return Retry(fault=not_graph(name, str(error)))


def _items(body: bytes) -> dict[str, _Item]:
    """Decode the body of a batch into the answers by item id."""
    found = whole(body).get("responses")
    if not isinstance(found, list):
        raise NotGraphError(Message("it holds no list named 'responses'"))
    return dict(map(_item, found))


def _item(item: Any) -> tuple[str, _Item]:
    if not isinstance(item, dict) or not isinstance(item.get("status"), int):
        raise NotGraphError(Message("an answer in the batch has no status"))
    headers = item.get("headers")
    lower = {str(name).lower(): str(value) for name, value in (headers if isinstance(headers, dict) else {}).items()}
    try:
        body = orjson.dumps(item.get("body"))
    except orjson.JSONEncodeError as error:
        raise NotGraphError(
            Message("an answer in the batch is nested too deeply, or holds numbers out of range")
        ) from error
    return str(item.get("id")), _Item(status=item["status"], headers=lower, body=body)
