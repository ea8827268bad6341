"""Prints a remediation plan: what can be run, what has to be decided, and what only people can do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from auditor.cli.terminal.markdown import wrapped_text
from auditor.domain.errors import printable_line
from auditor.localization import Localization
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from auditor.render.plan.fleet_overview import fleet_first, in_reading_order, tenant_rows
from auditor.render.plan.outline import OutlineEntry, first_by_rank
from auditor.render.plan.outline_text import effect_texts, plan_parts, subject_labels
from auditor.render.plan.question_text import effect, sentence
from auditor.render.plan.summary import missing_data, outdated_data, summary
from auditor.render.plan.view import TenantRow
from auditor.render.text.actions import reasons
from auditor.render.text.labels import SEVERITIES
from auditor.result.ranking import MAX_SECTIONS

_MAX_ENTRIES: Final = 10
"""Maximum number of entries of a part that are printed; the documents list all."""
_INDENT: Final = " " * 8
"""Indent of the lines of an entry: the width of its number and marks."""
_OPEN_MARK, _IRREVERSIBLE_MARK = "?", "!"


def print_plan(plan: FleetPlan, l10n: Localization, write: Callable[[str], None]) -> None:
    """Print the plans of all tenants, with an empty line between two tenants and between two parts of a plan.

    Of many tenants, print the most important actions, and a line for each of the tenants that need attention first.
    """
    plan = in_reading_order(plan)
    if len(plan.tenants) > MAX_SECTIONS:
        for line in _fleet(plan, l10n):
            write(line)
    else:
        for number, tenant in enumerate(plan.tenants):
            if number:
                write("")
            for line in _tenant(tenant, l10n):
                write(line)
    for notice in plan.notices:
        write(wrapped_text(l10n.translate(notice.message), rest="  "))


def _fleet(plan: FleetPlan, l10n: Localization) -> Iterator[str]:
    missing = (*missing_data(plan, l10n), *outdated_data(plan, l10n))
    for pair in missing[:_MAX_ENTRIES]:
        yield wrapped_text(": ".join(pair), rest="  ")
    if len(missing) > _MAX_ENTRIES:
        yield "  " + l10n.more_in_reports(len(missing) - _MAX_ENTRIES)
    if missing:
        yield ""
    yield printable_line(l10n.gettext("What to do first"))
    for position, first in enumerate(fleet_first(plan, lambda _: "", l10n), start=1):
        tenants = ", ".join(filter(None, (first.place, first.elsewhere)))
        yield from _first_action(position, f"{tenants}: {first.title}", first.reasons)
    *rows, totals = tenant_rows(plan, lambda _: "", l10n)
    yield ""
    yield printable_line(l10n.gettext("Tenants"))
    for row in rows[:_MAX_ENTRIES]:
        yield wrapped_text(f"{row.title}: {', '.join(_row_texts(row, l10n))}", first="    ", rest=_INDENT)
    yield _INDENT + printable_line(l10n.more(len(rows) - _MAX_ENTRIES))
    yield wrapped_text(f"{totals.title}: {', '.join(_row_texts(totals, l10n))}", first="    ", rest=_INDENT)


def _first_action(number: int, title: str, why_first: Sequence[str]) -> Iterator[str]:
    yield wrapped_text(title, first=f"{number:>4}    ", rest=_INDENT)
    yield wrapped_text(" · ".join(why_first), first=_INDENT, rest=_INDENT)


def _row_texts(row: TenantRow, l10n: Localization) -> Iterator[str]:
    if row.failed:
        yield l10n.gettext("not audited")
        return
    change = f"{l10n.number(row.open_before)} → {l10n.number(row.open_after)}"
    yield f"{l10n.gettext('open findings')} {change}"
    yield l10n.plural("{count} action", "{count} actions", row.actions)
    yield l10n.plural("{count} request", "{count} requests", row.requests)
    if row.freed:
        yield l10n.plural("will free {count} seat", "will free {count} seats", row.freed)
    if row.questions:
        yield l10n.plural("{count} open question", "{count} open questions", row.questions)
    if row.money:
        yield l10n.gettext("{money} a month", money=row.money)
    if not row.proven:
        yield l10n.gettext("the proof failed")
    if not row.complete:
        yield l10n.gettext("incomplete")


def _tenant(tenant: TenantPlan, l10n: Localization) -> Iterator[str]:
    for line in summary(tenant, l10n):
        yield wrapped_text(line, rest="  ")
    first = first_by_rank(tenant)
    if first:
        yield ""
        yield printable_line(l10n.gettext("What to do first"))
    for number, action in first:
        yield from _first_action(number, action.title, reasons(action, action.why, l10n))
    parts = tuple(plan_parts(tenant, l10n))
    for part in parts:
        yield ""
        yield wrapped_text(f"{part.number}. {part.title}: {', '.join(part.effects)}", rest="   ")
        # Actions with requests and open questions are marked in the first part.
        entries = [entry for entry in part.entries if part.key == "run" or not entry.action.requests]
        for entry in entries[:_MAX_ENTRIES]:
            yield from _entry(entry, l10n)
        more = len(entries) - _MAX_ENTRIES
        if more > 0:
            yield _INDENT + printable_line(l10n.more(more))
        labels = subject_labels(tenant.findings) if part.questions else {}
        for question in part.questions:
            text = f"{sentence(question, l10n, {**tenant.names, **labels})} {effect(question, l10n)}"
            yield wrapped_text(text, first=_INDENT, rest=_INDENT)
    yield from _legend((entry for part in parts for entry in part.entries[:_MAX_ENTRIES]), l10n)
    for notice in tenant.notices:
        yield wrapped_text(l10n.translate(notice.message), first="  ", rest="    ")
    for item in tenant.dropped:
        subject = tenant.names.get(item.subject, item.subject)
        yield wrapped_text(f"{l10n.gettext('left out:')} {subject}: {item.why}", first="  ", rest="    ")


def _entry(entry: OutlineEntry, l10n: Localization) -> Iterator[str]:
    prefix = f"{entry.number:>4} {''.join(_marks(entry)):<2} "
    yield wrapped_text(entry.action.title, first=prefix, rest=_INDENT)
    texts = [l10n.gettext(SEVERITIES[entry.severity]), *effect_texts(entry, l10n)]
    if entry.questions:
        texts.append(l10n.plural("{count} open question", "{count} open questions", len(entry.questions)))
    yield wrapped_text(", ".join(texts), first=_INDENT, rest=_INDENT)


def _marks(entry: OutlineEntry) -> Iterator[str]:
    if entry.questions:
        yield _OPEN_MARK
    if entry.action.irreversible:
        yield _IRREVERSIBLE_MARK


def _legend(entries: Iterable[OutlineEntry], l10n: Localization) -> Iterator[str]:
    """Yield the meanings of the marks that were printed."""
    used = {mark for entry in entries for mark in _marks(entry)}
    meanings = {
        _OPEN_MARK: l10n.gettext("has open questions: answer them in decisions.yaml"),
        _IRREVERSIBLE_MARK: l10n.gettext("has a step that cannot be undone"),
    }
    for mark, meaning in meanings.items():
        if mark in used:
            yield wrapped_text(meaning, first=f"  {mark}  ", rest="     ")
