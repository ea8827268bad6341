"""Answers since when findings exist: those of a policy, of a person, or a single one, in some or all tenants."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.app.history.queries import HistorySources, TenantHistory
from auditor.domain.errors import Diagnostic, Level, SnapshotError, Warn
from auditor.domain.message import Message, alternatives
from auditor.domain.reasons import tenant_list
from auditor.domain.trends import Episode
from auditor.history.result_log import ResultLog
from auditor.history.trends import episodes, policy_titles


class TenantEpisodes(Struct, frozen=True, kw_only=True):
    """The periods in which findings of one tenant existed."""

    tenant: str
    episodes: tuple[Episode, ...]
    policy_titles: Mapping[str, str]
    """The last known title of each policy that had one, by id."""


def finding_episodes(
    sources: HistorySources,
    tenants: Sequence[str],
    *,
    by: str,
    wanted: str,
    warn: Warn,
) -> list[TenantEpisodes]:
    """Return every period in which a finding, or the findings of a policy or of a person, existed.

    `by` is `finding`, `policy` or `person`. Returns an entry for each of these tenants, or of all if there are no
    names, without those that failed. If no result of any tenant contains the name, `warn` is called with similar names.
    Raises the exception of a result.json that could not be read, because the periods may be longer.
    """
    sources.require_readable()
    found: list[TenantEpisodes] = []
    read: dict[str, TenantHistory] = {}
    for name, history in sources.select(tenants).items():
        with sources.boundary(name):
            log = _log(sources, name, history)
            periods = episodes(log.events(), by=by, wanted=wanted)
            found.append(TenantEpisodes(tenant=name, episodes=periods, policy_titles=policy_titles(history.entries)))
            read[name] = history
    if by != "finding" and read and not any(entry.episodes for entry in found):
        unknown = (_unknown_policy if by == "policy" else _unknown_person)(read, wanted)
        if unknown is not None:
            warn(unknown)
    return found


def _log(sources: HistorySources, name: str, history: TenantHistory) -> ResultLog:
    """Return the results of a tenant. Raises SnapshotError if there are none."""
    if history.results is None or not history.entries:
        message = Message("{where} has no result of {name}", where=sources.where, name=name)
        raise SnapshotError("history-results", message, hint=Message("`auditor store put STORE result.json`"))
    return history.results


def _unknown_policy(histories: Mapping[str, TenantHistory], wanted: str) -> Diagnostic | None:
    entries = (entry for history in histories.values() for entry in history.entries)
    policies = sorted({policy["id"] for entry in entries for policy in entry.summary["policies"]})
    if wanted in policies:
        return None
    close = get_close_matches(wanted.casefold(), policies, n=3)
    tenant = tenant_list(list(histories))
    message = Message("no stored result of {tenant} has a policy '{wanted}'", tenant=tenant, wanted=wanted)
    return _unknown_warning(message, close, Message("`auditor history -f json` lists the policies"))


def _unknown_person(histories: Mapping[str, TenantHistory], wanted: str) -> Diagnostic | None:
    """Return a warning with similar names; None if there are none, because most users have no findings."""
    names: dict[str, set[str]] = {}
    for history in histories.values():
        for name in () if history.results is None else _people(history.results.events()):
            names.setdefault(_local_part(name), set()).add(name)
    similar_keys = get_close_matches(_local_part(wanted), names, n=3)
    close = [name for key in similar_keys for name in sorted(names[key])][:3]
    if not close:
        return None
    tenant = tenant_list(list(histories))
    message = Message("no stored result of {tenant} has a finding about '{wanted}'", tenant=tenant, wanted=wanted)
    return _unknown_warning(message, close)


def _people(events: pa.Table) -> Iterable[str]:
    """Return the sign-in names and names of everybody with a finding."""
    people = events.filter(pc.field("subject_type") == "user")
    return (name for key in ("person", "subject_name") for name in people.column(key).unique().drop_null().to_pylist())


def _unknown_warning(message: Message, close: Sequence[str], otherwise: Message | None = None) -> Diagnostic:
    hint = Message("did you mean {close}?", close=alternatives(close)) if close else otherwise
    return Diagnostic(slug="history-unknown", message=message, hint=hint, level=Level.WARNING)


def _local_part(name: str) -> str:
    """Return the part of a user principal name before the @."""
    return name.casefold().partition("@")[0]
