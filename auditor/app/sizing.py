"""What a run asks for into a Result that holds its findings, or, of very many people, one that reads or makes them."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from auditor.app.audit.run import (
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
from auditor.app.catalogue import active
from auditor.app.streaming import LARGE
from auditor.domain.result import Result
from auditor.engine.spilling import Scratch
from auditor.failures import TenantBoundary
from auditor.snapshot.reader import user_count_of

HELD: Final = 500_000
"""People up to whom all findings of large tenants are held: about two kilobytes for each."""


@contextmanager
def audited_by_size(
    request: Request, beside: Path | None, *, pieces: bool = True
) -> Iterator[tuple[Result, tuple[Path, ...]]]:
    """Audit what the request names, a demo aside; yields the snapshots too.

    Of several tenants findings wait in a file without a name on the disk of `beside`, and those of one are held at a
    time. With `pieces`, where large tenants have more people than HELD, not even theirs are: they are described each
    time they are walked, and reports can be written of the result. Raises as `run`, and DeliveryError where
    that disk is full; so may every walk.
    """
    with ExitStack() as stack:
        previous = stack.enter_context(_previous(request, beside))
        policies = checked_policies(request)
        places = stack.enter_context(places_of(request, policies))
        judge = stack.enter_context(judging(request, places, policies))
        folders, states = folders_of(places), opened(places, request)
        giant = pieces and sum(count for count in map(_people, folders) if count >= LARGE) > HELD
        if len(places) == 1 and not giant:
            yield changed(held(states, policies, request.as_of, judge, alone=True), previous, request), folders
            return
        from auditor.app.counting import SHOWN  # noqa: PLC0415  most runs are about one tenant
        from auditor.app.flowing import flow, scratch  # noqa: PLC0415  likewise

        aside = replace(stack.enter_context(scratch(beside)), whole=LARGE if giant else sys.maxsize)
        aside = replace(aside, alone=len(places) == 1)
        result = flow(states, policies, active(), request.as_of, judge=judge, aside=aside, shown=SHOWN)
        yield changed(result, previous, request), folders


def _people(folder: Path) -> int:
    """Return how many people a snapshot holds; none where it cannot be read, which is told when it is opened."""
    with TenantBoundary(folder.parent.name):
        return user_count_of(folder)
    return 0


@contextmanager
def _previous(request: Request, beside: Path | None) -> Iterator[Result | None]:
    """Read the run to compare with, if one is named; of several tenants its findings wait on the disk as well."""
    if request.compare is None:
        yield None
        return
    from auditor.app.packing import packed  # noqa: PLC0415  likewise
    from auditor.files.temporary import late_file  # noqa: PLC0415  only where there is an earlier run

    with late_file(beside) as opened_file:
        file = Scratch(opened_file)
        yield previous_of(request, kept=lambda tenant: packed(tenant, file))
