"""A tenant's actions into steps to take, and everything on the page into the five things that matter most."""

from collections.abc import Sequence
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from auditor.domain.described import NAMED, Concern, foremost
from auditor.domain.result import Action, Money
from auditor.domain.words import Severity
from auditor.render.json_text import document
from auditor.render.members import USER
from auditor.render.rows import anchored
from auditor.render.view import Group, Matter, Section, Step
from auditor.render.visible import visible
from auditor.render.walk import Walk
from auditor.render.words import Words

_FEW: Final = 5
_REQUESTS: Final = 100
"""Requests that an action lists where they are too many to hold."""


def steps(name: str, walk: Walk, words: Words) -> tuple[Step, ...]:
    """Return the actions of a tenant, or of the fleet, in their order."""
    told: dict[object, tuple[str, str]] = {}
    made: list[Step] = []
    for action, rows in zip(walk.actions, walk.mended, strict=True):
        # Guidance for many actions of one kind is the same text: it would be most of the file.
        text = (action.role, action.prerequisites, action.steps, action.irreversible, action.warnings, action.links)
        step = _step(name, action, rows, walk, words, told.get(text))
        told.setdefault(text, (step.anchor, action.title))
        made.append(step)
    return tuple(made)


def matters(sections: tuple[Section, ...], words: Words) -> tuple[Matter, ...]:
    """Return at most five, worst first: actions, and policies with open findings that no action mends."""
    found: list[tuple[int, int, Matter]] = []
    for section in sections:
        found += [(step.severity.rank, -step.findings, _of_step(step, section)) for step in section.steps]
        found += [
            (group.severity.rank, -group.open, _of_group(group, section, words))
            for group in section.groups
            if group.open and not group.mended
        ]
    return tuple(matter for _, _, matter in sorted(found, key=lambda item: item[:2])[:_FEW])


def _step(
    tenant: str, action: Action, rows: Sequence[int], walk: Walk, words: Words, same: tuple[str, str] | None
) -> Step:
    concern = _concern(action, rows, walk)
    requests = action.requests
    whole = isinstance(requests, tuple) and not walk.unshown
    listed = requests if whole else tuple(islice(requests, _REQUESTS))
    return Step(
        anchor=anchored("a", tenant, action.id),
        action=action,
        severity=concern.worst,
        money="" if action.money is None else _worth(action.money, words),
        findings=len(action.findings),
        who=_who(concern, words),
        requests=tuple(document(request).decode().strip() for request in listed),
        more_requests=len(requests) - len(listed),
        links=tuple((label, address if _is_safe(address) else None) for label, address in action.links),
        same=same,
    )


def _who(concern: Concern, words: Words) -> str:
    """Say by which names a person finds the people concerned; of many the first, in the order of the alphabet."""
    told = [visible(name) for name in concern.names[:NAMED]]
    more = concern.people - len(told)
    return ", ".join([*told, words.ngettext("{count} more", "{count} more", more)] if more > 0 else told)


def _concern(action: Action, rows: Sequence[int], walk: Walk) -> Concern:
    """Return whom an action is about; `rows` are the findings at hand that it mends."""
    if walk.known is not None:
        return walk.known.concerns[action.id]
    severity, waived = walk.severity, walk.waived
    worst = min({severity[row] for row in rows if not waived[row]}, default=None)
    people = dict(zip(map(walk.who.__getitem__, rows), rows, strict=True))
    subjects = list(map(walk.findings.__getitem__, people.values()))
    if len(walk.users) < len(walk.subjects):
        subjects = [finding for finding in subjects if finding.subject.type is USER]
    return Concern(
        worst=Severity.INFO if worst is None else tuple(Severity)[worst],
        people=len(subjects),
        names=tuple(foremost(subjects)),
    )


def _worth(money: Money, words: Words) -> str:
    text = words.gettext("costs {money} a month") if money.per_month < 0 else words.gettext("saves {money} a month")
    return text.replace("{money}", words.money(abs(money.per_month), money.currency))


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _of_step(step: Step, section: Section) -> Matter:
    return Matter(
        anchor=step.anchor,
        title=step.action.title,
        severity=step.severity,
        tenant=section.title,
        count=step.findings,
        money=step.money,
        who=step.action.role,
        first=step.action.steps[0] if step.action.steps else "",
    )


def _of_group(group: Group, section: Section, words: Words) -> Matter:
    return Matter(
        anchor=group.anchor,
        title=group.title,
        severity=group.severity,
        tenant=section.title,
        count=group.open,
        money=words.gettext("{money} a month").replace("{money}", group.money) if group.money else "",
        who=group.owner,
        first=group.rationale,
    )
