"""What findings quote of the use that their policy judges people by: what the reports say, and up to which day."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.enums import Source
from auditor.domain.policy import Policy
from auditor.domain.selector import SERVICES, Agent, AppsUnused, InactiveIn, Selector
from auditor.engine.binding import BoundPolicies
from auditor.engine.columns.bitsets import indices
from auditor.engine.columns.users import People
from auditor.engine.outcome import Rows
from auditor.engine.policy_index import report_columns
from auditor.findings.columns import json_text
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APP_USAGE_COLUMNS, APPS, PLATFORMS, SOURCE_OF_COLUMN, app_bits

Quote = dict[str, Any]

_APP_BITS: Final = {(app, platform): app_bits((app,), (platform,)) for app in APPS for platform in PLATFORMS}


def usage_columns(bound: BoundPolicies) -> tuple[str, ...]:
    """Return the columns of users that findings quote for policies that judge by use."""
    columns: set[str] = set()
    for policy in bound.policies:
        for atom in bound.rules.atoms(policy) if bound.rules.judges_users(policy) else ():
            columns.update(("agent",) if isinstance(atom, Agent) else report_columns(atom))
    return (*sorted(columns), "notCollected") if columns else ()


class UsageEvidence:
    """The use of some people, each fact written once for all policies that quote it."""

    def __init__(self, bound: BoundPolicies, batch: UserBatch) -> None:
        self._bound = bound
        self._people = People(batch, bound.facts)
        self._values: dict[str, list[Any]] = {}

    def added_to(self, evidence: pa.StringArray, policies: Sequence[Policy], policy: Rows, person: Rows) -> pa.Array:
        """Return the evidence of findings as JSON: that of each person, and the use by which each policy judges.

        `policy` and `person` are the places of each finding's policy and person.
        """
        plain = evidence.take(indices(person))
        quotes = [self._of(each) for each in policies]
        if all(quote is None for quote in quotes):
            return plain
        members, starts = [""], []
        for quote in quotes:
            starts.append(0 if quote is None else len(members))
            members += [f",{json_text(each)[1:-1]}" if each else "" for each in quote or ()]
        first = np.array(starts, dtype=np.int64)[policy]
        own = pa.array(members, pa.string()).take(indices(np.where(first > 0, first + person, 0)))
        return pc.binary_join_element_wise(pc.utf8_slice_codeunits(plain, 0, -1), own, "}", "")

    def _of(self, policy: Policy) -> Sequence[Quote] | None:
        """Return what to quote of each person, in order; None for a policy that does not judge by use.

        What is not known of a person is left out.
        """
        atoms = [atom for atom in self._bound.rules.atoms(policy) if isinstance(atom, Agent) or report_columns(atom)]
        if not atoms:
            return None
        quotes: list[Quote] = [{} for _ in range(self._people.count)]
        for source, dated in self._refreshed(atoms).items():
            parts = [self._of_source(atom, source) for atom in atoms]
            for place, quote in enumerate(quotes):
                told = _merged([part[place] for part in parts])
                if told:
                    quote[source.value] = {"refreshDate": dated, **told}
        if any(isinstance(atom, Agent) for atom in atoms):
            for quote, agent in zip(quotes, self._known("agent"), strict=True):
                quote.update({"agent": True} if agent else {})
        return quotes

    def _refreshed(self, atoms: Sequence[Selector]) -> Mapping[Source, str]:
        """Return the reports that the tests look at, each with the day up to which it knows activity."""
        sources = {SOURCE_OF_COLUMN[column] for atom in atoms for column in report_columns(atom)}
        dates = self._bound.facts.refresh_dates
        return {source: dates[source].isoformat() for source in Source if source in sources and source in dates}

    def _of_source(self, atom: Selector, source: Source) -> Sequence[Quote]:
        """Return what one test quotes of one report."""
        if all(SOURCE_OF_COLUMN[column] is not source for column in report_columns(atom)):
            return [{}] * self._people.count
        match atom:
            case InactiveIn() if source is Source.COPILOT_USAGE:
                return self._each(ACTIVITY_COLUMNS["copilot"], lambda day: {"lastActivityDate": _day(day)})
            case InactiveIn(services=services):
                named = [service for service in SERVICES if service in services and service != "copilot"]
                days = zip(*(self._known(ACTIVITY_COLUMNS[service]) for service in named), strict=True)
                return [_activity(zip(named, own, strict=True)) for own in days]
            case AppsUnused(period=period):
                return self._each(APP_USAGE_COLUMNS[period], lambda bits: {"used": {period: _apps(bits)}})
            case _:
                (column,) = report_columns(atom)
                return self._each(column, lambda value: {_MAILBOX[column]: value})

    def _each(self, column: str, quote: Callable[[Any], Quote]) -> Sequence[Quote]:
        """Quote the value of a column of each person; nothing where it is not known."""
        return [{} if value is _UNKNOWN else quote(value) for value in self._known(column)]

    def _known(self, column: str) -> list[Any]:
        """Return the values of a column, `_UNKNOWN` where the fact is not known."""
        if column not in self._values:
            values = self._people.column(column).to_pylist()
            unknown = self._people.unknown(column).tolist()
            self._values[column] = [
                _UNKNOWN if missing else value for value, missing in zip(values, unknown, strict=True)
            ]
        return self._values[column]


_UNKNOWN: Final = object()
_MAILBOX: Final = {"mailboxStorageUsed": "storageUsed", "mailboxHasArchive": "hasArchive"}


def _merged(parts: Sequence[Quote]) -> Quote:
    """Put together what several tests quote of one report."""
    merged: Quote = {}
    for part in parts:
        for key, value in part.items():
            merged[key] = {**merged[key], **value} if isinstance(value, dict) and key in merged else value
    return merged


def _activity(days: Iterable[tuple[str, Any]]) -> Quote:
    known = {service: _day(day) for service, day in days if day is not _UNKNOWN}
    return {"lastActivityDates": known} if known else {}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _apps(bits: int) -> dict[str, list[str]]:
    used = {app: [platform for platform in PLATFORMS if bits & _APP_BITS[app, platform]] for app in APPS}
    return {app: platforms for app, platforms in used.items() if platforms}
