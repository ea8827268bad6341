"""What a run asks for into a Result that holds its findings, or, of very many people, one that reads or makes them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from auditor.app.catalogue import active
from auditor.app.running import (
    Request,
    changed,
    checked_policies,
    folders_of,
    held,
    judging,
    opened,
    places_of,
    previous_of,
)
from auditor.app.streaming import LARGE
from auditor.domain.result import Result
from auditor.engine.spilling import Scratch
from auditor.snapshot.reading import user_count_of

HELD: Final = 500_000
"""People up to whom all findings of large tenants are held: about two kilobytes for each."""


@contextmanager
def audited_by_size(
    request: Request, beside: Path | None, *, pieces: bool = True
) -> Iterator[tuple[Result, tuple[Path, ...]]]:
    """Audit what the request names, a demo aside; yields the snapshots too.

    Of several tenants findings wait in a file without a name on the disk of `beside`, and those of one are held at a
    time. With `pieces`, where large tenants have more people than HELD, not even theirs are: they are described each
    time they are walked, and formats of FLOWING can be written of the result. Raises as `run`, and DeliveryError where
    that disk is full; so may every walk.
    """
    previous = previous_of(request)
    policies = checked_policies(request)
    with places_of(request, policies) as places, judging(request, places, policies) as judge:
        folders, states = folders_of(places), opened(places, request)
        giant = pieces and sum(count for count in map(user_count_of, folders) if count >= LARGE) > HELD
        if len(places) == 1 and not giant:
            yield changed(held(states, policies, request.as_of, judge), previous), folders
            return
        from auditor.app.counting import SHOWN  # noqa: PLC0415  most runs are about one tenant
        from auditor.app.flowing import flow, scratch  # noqa: PLC0415  likewise
        from auditor.app.packing import packed_result  # noqa: PLC0415  likewise

        with scratch(beside) as aside, scratch(beside) as older:
            if previous is not None:
                previous = packed_result(previous, Scratch(older.file))
            room = replace(aside, whole=LARGE if giant else sys.maxsize)
            result = flow(states, policies, active(), request.as_of, judge=judge, aside=room, shown=SHOWN)
            yield changed(result, previous), folders
