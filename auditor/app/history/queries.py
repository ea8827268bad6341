"""Answers queries about nights and results: trends of a tenant, comparison of two nights, and "since when?"."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.app.locations import is_store, store_at
from auditor.app.saved_results import saved_result
from auditor.domain.errors import AuditorError, SnapshotError, UsageError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.result.tenant_titles import distinct_titles
from auditor.domain.similar_name import tenants_hint
from auditor.domain.trends import Between, Trends
from auditor.failures import TenantBoundary
from auditor.files import input as files
from auditor.history.logged_result import LoggedResult, commit_tenant
from auditor.history.night_diff import compare_instants
from auditor.history.result_log import ResultLog, results_by_tenant
from auditor.history.trends import last_display_name, trends
from auditor.snapshot.folders import Damaged, snapshots
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import Manifest
from auditor.snapshot.reader import products_of
from auditor.store.commit import NightCounts, instant_name
from auditor.store.objects.memory_backend import MemoryBackend
from auditor.store.store import Store

Period = tuple[datetime | None, datetime | None]


class TenantHistory(Struct, frozen=True, kw_only=True):
    """The nights and results of one tenant."""

    nights: tuple[NightCounts, ...] = ()
    results: ResultLog | None = None
    display_name: str = ""
    """The last known one; empty if there is none."""

    @property
    def entries(self) -> tuple[LoggedResult, ...]:
        """Its stored results, in the order in which they were added."""
        return () if self.results is None else self.results.entries()


class HistorySources(Struct, frozen=True, kw_only=True):
    """The nights and results in some locations, by tenant."""

    where: str
    tenants: dict[str, TenantHistory]
    failures: dict[str, TenantBoundary] = field(default_factory=dict)
    """The failures of tenants with a night or result that could not be read."""
    unreadable: dict[str, TenantBoundary] = field(default_factory=dict)
    """The failures of result.json files, by path; such a file may contain any tenant."""

    def failures_of(self, names: Sequence[str]) -> tuple[AuditorError, ...]:
        """Return the failures of result.json files, then those of the tenants with these names, or of all tenants."""
        of_files = (boundary.failure for _, boundary in sorted(self.unreadable.items()))
        failed = [name for name in sorted(self.failures) if name in (names or self.names)]
        of_tenants = (self.failures[name].named_failure for name in failed)
        return tuple(failure for failure in (*of_files, *of_tenants) if failure is not None)

    @property
    def names(self) -> list[str]:
        """Every tenant, including those that failed."""
        return sorted({*self.tenants, *self.failures})

    def require_readable(self) -> None:
        """Raise the exception of a result.json that could not be read; it may contain any tenant."""
        _raise_first(self.unreadable.values())

    def one(self, names: Sequence[str]) -> tuple[str, TenantHistory]:
        """Return the tenant with the only name, or the only tenant if there is no name.

        Raises UsageError for an unknown name, and if there are several names, or several tenants and no name. If the
        tenant failed, or a result.json that may contain it, raises the exception of that failure.
        """
        self.require_readable()
        self._check_names(names)
        if len(names or self.names) != 1:
            message = Message("there are several tenants: specify one with --tenant")
            raise UsageError("usage", message, hint=tenants_hint(None, self.names))
        (tenant,) = names or self.names
        _raise_first([self.failures[tenant]] if tenant in self.failures else [])
        return tenant, self.tenants[tenant]

    def is_single(self, names: Sequence[str]) -> bool:
        """Return whether only one tenant is asked for, by its name or because there is no other."""
        return len(names) == 1 or (not names and len(self.names) <= 1 and not self.unreadable)

    def select(self, names: Sequence[str]) -> dict[str, TenantHistory]:
        """Return the tenants with these names, or all if there are none, without those that failed.

        Raises as `one` does for a single tenant.
        """
        if not self.is_single(names):
            self._check_names(names)
            chosen = dict.fromkeys(names or self.tenants)
            return {name: self.tenants[name] for name in chosen if name in self.tenants and name not in self.failures}
        return dict([self.one(names)])

    @contextmanager
    def boundary(self, tenant: str) -> Iterator[None]:
        """Record an exception inside as the failure of the tenant; the exception of an only tenant is raised."""
        with _contained(tenant, self.failures, only_tenant=len(self.names) == 1):
            yield

    def _check_names(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.names:
                self.require_readable()
                message = Message("{where} has no tenant '{name}'", where=self.where, name=name)
                raise UsageError("tenant-unknown", message, hint=tenants_hint(name, self.names))

    @property
    def titles(self) -> Mapping[str, str]:
        """The title of each tenant that did not fail, by name, as in reports."""
        return distinct_titles({name: history.display_name for name, history in self.tenants.items()})


def open_history(locations: Sequence[Path | str]) -> HistorySources:
    """Read the counts of stores, folders of snapshots and result.json files, without reading users.

    If a night or result of one of several tenants cannot be read, this is recorded as the failure of that tenant, and
    if one of several result.json files cannot be read, as the failure of that file.
    """
    tenants: dict[str, TenantHistory] = {}
    failures: dict[str, TenantBoundary] = {}
    unreadable: dict[str, TenantBoundary] = {}
    result_files = [path for path in locations if isinstance(path, Path) and files.exists(path)]
    result_files = [path for path in result_files if not files.is_folder(path)]
    histories = [
        _from_store(store_at(path).require(), failures) if is_store(path) else _from_folder(Path(path), failures)
        for path in dict.fromkeys(locations)
        if path not in result_files
    ]
    logs = _logs_of_results(_readable_results(result_files, unreadable), failures)
    for part in (*histories, {name: TenantHistory(results=result_log) for name, result_log in logs.items()}):
        for name, history in part.items():
            with _contained(name, failures):
                tenants[name] = _merged(name, tenants.get(name, TenantHistory()), history)
    where = ", ".join(map(str, locations))
    if not tenants and not failures:
        _raise_first(unreadable.values())
        message = Message("{where} has neither nights nor results", where=where)
        raise SnapshotError("snapshot-missing", message, hint=Message("see `auditor store put`"))
    readable = {name: tenants[name] for name in sorted(tenants) if name not in failures}
    return HistorySources(where=where, tenants=readable, failures=failures, unreadable=unreadable)


def _raise_first(failures: Iterable[TenantBoundary]) -> None:
    for failure in failures:
        if failure.error is not None:
            raise failure.error


@contextmanager
def _contained(tenant: str, failures: dict[str, TenantBoundary], *, only_tenant: bool = False) -> Iterator[None]:
    with TenantBoundary(tenant, only_tenant=only_tenant) as boundary:
        yield
    if boundary.error is not None:
        failures.setdefault(tenant, boundary)


def _merged(name: str, first: TenantHistory, second: TenantHistory) -> TenantHistory:
    """Merge a tenant's nights (each once) and results from two locations. Raises UsageError if both have results."""
    nights: dict[datetime, NightCounts] = {}
    for night in (*first.nights, *second.nights):
        previous = nights.get(night.instant)
        if previous is None or previous.summary.get("users") is None:
            nights[night.instant] = night
    earlier, entries = first.entries, second.entries
    if earlier and entries:
        message = Message("results of {name} are both in a store and outside it", name=name)
        raise UsageError("usage", message, hint=Message("put them into the store first"))
    return TenantHistory(
        nights=tuple(nights.values()),
        results=second.results if entries else first.results,
        display_name=last_display_name(nights.values(), entries or earlier),
    )


def tenant_trends(sources: HistorySources, tenants: Sequence[str], within: Period, now: datetime) -> list[Trends]:
    """Return trends of these tenants, or of all if there are no names, without those that failed.

    Raises SnapshotError if there is nothing to show.
    """
    all_trends = []
    for name, history in sources.select(tenants).items():
        with sources.boundary(name):
            nights = sorted(history.nights, key=lambda night: night.instant)
            tenant_trends = trends(name, nights, history.entries, now=now, between=within)
            if tenant_trends is not None:
                all_trends.append(replace(tenant_trends, display_name=history.display_name))
    if not all_trends and not sources.failures_of(tenants):
        raise _empty_error(sources.where, *within)
    return all_trends


def _empty_error(where: str, *within: datetime | None) -> SnapshotError:
    first, last = (None if instant is None else format_instant(instant) for instant in within)
    message = Message("{where} has nothing between {first} and {last}", where=where, first=first, last=last)
    if first is None:
        message = Message("{where} has nothing before {last}", where=where, last=last)
    elif last is None:
        message = Message("{where} has nothing after {first}", where=where, first=first)
    return SnapshotError("history-empty", message, hint=Message("specify other instants, or leave --from and --to out"))


def compare_nights(
    sources: HistorySources, tenants: Sequence[str], first: datetime, last: datetime, *, day: bool
) -> list[Between]:
    """Return what is new, fixed and changed between two instants, for some tenants, or for all if there are no names.

    Tenants that fail are left out. With `day`, the first instant selects the first night at or after it. Raises
    UsageError for the wrong order.
    """
    check_order(first, last)
    comparisons = []
    for name, history in sources.select(tenants).items():
        with sources.boundary(name):
            nights = sorted(history.nights, key=lambda night: night.instant)
            comparisons.append(compare_instants(name, nights, history.results, first, last, day=day))
    return comparisons


def check_order(first: datetime, last: datetime) -> None:
    """Raise UsageError if the first instant is the later one."""
    if last < first:
        texts = {"first": format_instant(first), "last": format_instant(last)}
        message = Message("--from {first} is after --to {last}", **texts)
        raise UsageError("usage", message, hint=Message("specify the earlier night first"))


def _from_store(store: Store, failures: dict[str, TenantBoundary]) -> dict[str, TenantHistory]:
    names_of: defaultdict[str, list[str]] = defaultdict(list)
    for name in store.backend.names(""):
        if instant_name(name) or commit_tenant(name) is not None:
            names_of[name.partition("/")[0]].append(name)
    tenants: dict[str, TenantHistory] = {}
    for tenant, names in names_of.items():
        with _contained(tenant, failures):
            tenants[tenant] = TenantHistory(nights=store.counts(names), results=ResultLog(store.backend, tenant))
    return tenants


def _from_folder(root: Path, failures: dict[str, TenantBoundary]) -> dict[str, TenantHistory]:
    """Read the seats of a folder of snapshots; users are not read, so their counts are unknown."""
    from auditor.store.writer import seats_of  # noqa: PLC0415  not needed for a store

    tenants: dict[str, TenantHistory] = {}
    for entry in snapshots(root):
        with _contained(_tenant_of(entry), failures):
            if isinstance(entry, Damaged):
                raise entry.error
            manifest, folder = entry
            seats = seats_of(products_of(folder), None)
            summary = {"displayName": manifest.display_name, "seats": seats, "cohorts": None}
            night = NightCounts(instant=manifest.instant, complete=manifest.complete, summary=summary)
            tenants[manifest.tenant] = TenantHistory(
                nights=(*tenants.get(manifest.tenant, TenantHistory()).nights, night)
            )
    return tenants


def _tenant_of(entry: tuple[Manifest, Path] | Damaged) -> str:
    """Return the tenant of a snapshot; without a manifest it is that of the path, as `auditor collect` writes it."""
    if isinstance(entry, Damaged):
        return entry.tenant or entry.folder.resolve().parent.name
    return entry[0].tenant


def _readable_results(paths: Sequence[Path], unreadable: dict[str, TenantBoundary]) -> Iterator[Result]:
    for path in paths:
        result = None
        with _contained(str(path), unreadable):
            result = saved_result(path)
        if result is not None:
            yield result


def _logs_of_results(results: Iterable[Result], failures: dict[str, TenantBoundary]) -> dict[str, ResultLog]:
    logs: dict[str, ResultLog] = {}
    for name, results_of_tenant in results_by_tenant(results).items():
        with _contained(name, failures):
            backend = MemoryBackend()
            result_log = ResultLog(backend, name)
            for result, tenant in results_of_tenant:
                result_log.put(result, tenant, tenant.findings.stats.money)
            logs[name] = ResultLog(backend, name)  # does not hold the last findings in memory
    return logs
