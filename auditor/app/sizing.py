"""What a run asks for into a Result that holds its findings, or, of very many people, one that describes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from auditor.app.catalogue import active
from auditor.app.running import Request, checked_policies, folders_of, held, judging, opened, places_of
from auditor.domain.result import Result
from auditor.snapshot.reading import user_count_of

HELD: Final = 500_000
"""People up to whom all findings of a run are held: about two kilobytes for each."""
LARGE: Final = 50_000
"""People from whom on a tenant counts: of smaller ones what has to be known to describe findings takes more room."""


@contextmanager
def audited_by_size(request: Request, beside: Path | None) -> Iterator[tuple[Result, tuple[Path, ...]]]:
    """Audit what the request names, a demo and earlier runs aside; yields the snapshots too.

    Where large tenants have more people than HELD, findings are described each time they are walked, and formats of
    FLOWING can be written of the result. What does not fit in memory waits in a file without a name on the disk of
    `beside`. Raises as `run`, and DeliveryError where that disk is full; so may every walk.
    """
    policies = checked_policies(request)
    with places_of(request, policies) as places, judging(request, places, policies) as judge:
        folders, states = folders_of(places), opened(places, request)
        if sum(count for count in map(user_count_of, folders) if count >= LARGE) <= HELD:
            yield held(states, policies, request.as_of, judge), folders
            return
        from auditor.app.counting import SHOWN  # noqa: PLC0415  few tenants are so large
        from auditor.app.flowing import flow, scratch  # noqa: PLC0415  few tenants are so large

        with scratch(beside) as aside:
            yield flow(states, policies, active(), request.as_of, judge=judge, aside=aside, shown=SHOWN), folders
