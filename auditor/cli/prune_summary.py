"""Prints what `auditor store prune` deleted, or would delete: of many tenants, sums."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from auditor.app.store.nights import TenantRetention
from auditor.cli.store_summary import format_size
from auditor.cli.terminal.console import out, print_message
from auditor.cli.terminal.problems import MAX_TENANTS, combined_problems
from auditor.domain.errors import printable_line
from auditor.domain.translation import N_, NN_
from auditor.render.text.labels import Labels
from auditor.snapshot.manifest import format_instant

_DELETED_TEXTS = (
    NN_(
        "the findings of {count} result were deleted; its counts are kept",
        "the findings of {count} results were deleted; their counts are kept",
    ),
    NN_("{count} plan deleted", "{count} plans deleted"),
    NN_("{count} log of changes deleted", "{count} logs of changes deleted"),
    NN_(
        "{count} temporary file of an interrupted write was deleted",
        "{count} temporary files of interrupted writes were deleted",
    ),
)
"""Texts for other deletions than nights: findings of results, plans, logs of changes, temporary files."""
_DRY_RUN_TEXTS = (
    NN_(
        "the findings of {count} result would be deleted; its counts are kept",
        "the findings of {count} results would be deleted; their counts are kept",
    ),
    NN_("{count} plan would be deleted", "{count} plans would be deleted"),
    NN_("{count} log of changes would be deleted", "{count} logs of changes would be deleted"),
    NN_(
        "{count} temporary file of an interrupted write would be deleted",
        "{count} temporary files of interrupted writes would be deleted",
    ),
)
"""The same texts for a dry run."""


def print_pruning(retentions: Sequence[TenantRetention], l10n: Labels, *, deleted: bool, quiet: bool) -> None:
    """Print the nights that are deleted, and what else; of many tenants, how many nights of each day, and sums."""
    if len(retentions) <= MAX_TENANTS:
        for retention in retentions:
            _print_data(_nights(retention, l10n, deleted=deleted))
            if not quiet:
                _print_lines(_summary(retention.nights.tenant, [retention], l10n, deleted=deleted))
        return
    _print_data(_days(retentions, l10n, deleted=deleted))
    if not quiet:
        name = l10n.plural("{count} tenant", "{count} tenants", len(retentions))
        _print_lines(_summary(name, retentions, l10n, deleted=deleted))


def _print_data(lines: Iterable[str]) -> None:
    for line in lines:
        out(printable_line(line))


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print_message(printable_line(line))


def _nights(retention: TenantRetention, l10n: Labels, *, deleted: bool) -> Iterator[str]:
    text = N_("deleted: {night}") if deleted else N_("would be deleted: {night}")
    for night in retention.nights.deleted:
        yield l10n.gettext(text, night=f"{night.tenant} {format_instant(night.instant)}")


def _days(retentions: Iterable[TenantRetention], l10n: Labels, *, deleted: bool) -> Iterator[str]:
    """Yield how many nights of each day are deleted, in UTC."""
    days = Counter(night.instant.date() for retention in retentions for night in retention.nights.deleted)
    for day, count in sorted(days.items()):
        if deleted:
            yield l10n.plural("deleted: {count} night of {day}", "deleted: {count} nights of {day}", count, day=day)
        else:
            yield l10n.plural(
                "would be deleted: {count} night of {day}", "would be deleted: {count} nights of {day}", count, day=day
            )


def _summary(name: str, retentions: Sequence[TenantRetention], l10n: Labels, *, deleted: bool) -> Iterator[str]:
    """Yield the sums of one or many tenants; of many, those with temporary files are named."""
    if deleted:
        text = N_("{tenant}: nights kept: {kept}; deleted: {gone}; freed: {size}")
    else:
        text = N_("{tenant}: nights kept: {kept}; would be deleted: {gone}; would be freed: {size}")
    pruned = [retention.nights for retention in retentions]
    yield l10n.gettext(
        text,
        tenant=name,
        kept=l10n.number(sum(len(pruning.kept) for pruning in pruned)),
        gone=l10n.number(sum(len(pruning.deleted) for pruning in pruned)),
        size=format_size(sum(pruning.freed for pruning in pruned), l10n),
    )
    *others, temporary = _DELETED_TEXTS if deleted else _DRY_RUN_TEXTS
    counts = [(len(item.results), len(item.plans), len(item.change_logs)) for item in retentions]
    for count, forms in zip(map(sum, zip(*counts, strict=True)), others, strict=True):
        if count:
            yield "  " + l10n.plural(*forms, count)
    interrupted = [
        (item.nights.tenant, l10n.plural(*temporary, len(item.temporary))) for item in retentions if item.temporary
    ]
    for tenants, problem in combined_problems(interrupted, len(retentions), l10n):
        yield f"  {problem}" if len(retentions) == 1 else f"  {tenants}: {problem}"
    needed = sum(entry.size for pruning in pruned for entry in pruning.still_needed)
    if needed:
        size = format_size(needed, l10n)
        held = l10n.gettext("{size} of deleted nights cannot be freed yet: kept nights depend on them", size=size)
        yield f"  {held}"
