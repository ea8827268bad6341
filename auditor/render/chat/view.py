"""Builds the view model of a channel message from that of a mail: the same facts, shorter, as plain text."""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from auditor.render.mail.view import MailView
from auditor.render.text.guidance import plain
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.sanitize import single_line

_MAX_SENTENCES: Final = 20
"""Maximum number of sentences about the outcome."""


class ChatEntry(Struct, frozen=True, kw_only=True):
    """One entry of a list."""

    lead: str
    """The beginning of the entry, in bold."""
    text: str
    href: str = ""
    """An https address; empty if there is none."""


class ChatList(Struct, frozen=True, kw_only=True):
    """A list with its heading."""

    title: str
    lines: tuple[ChatEntry, ...]


class ChatView(Struct, frozen=True, kw_only=True):
    """A message; all texts are non-empty single lines."""

    language: str
    title: str
    sentences: tuple[str, ...]
    """The outcome, and its completeness."""
    parts: tuple[ChatList, ...]
    link: tuple[str, str] | None
    """Label and https address of the report or the run."""
    foot: str


def chat_view(view: MailView, l10n: Labels) -> ChatView:
    """Return the content of a mail for a channel; like the mail, it names no person."""
    parts = (
        (l10n.gettext("Open findings"), _counts(view, l10n), 0),
        (l10n.gettext("What changed"), _changed(view, l10n), view.more_changed),
        (l10n.gettext("What to do first"), _actions(view, l10n), 0),
        (l10n.gettext("Monthly cost"), _money(view, l10n), 0),
        (
            l10n.gettext("Tenants"),
            (ChatEntry(lead=line.name, text=line.summary, href=line.href) for line in view.tenants),
            view.more_tenants,
        ),
        (
            l10n.gettext("Seats outside their limits"),
            (
                ChatEntry(lead=line.name, text=_facts((line.tenant, line.figures, line.state, line.advice)))
                for line in view.seats
            ),
            view.more_seats,
        ),
        (
            l10n.gettext("Renewals and end dates"),
            (
                ChatEntry(lead=line.date, text=_facts((line.name, line.tenant, line.summary, line.consequence)))
                for line in view.renewals
            ),
            view.more_renewals,
        ),
    )
    label = l10n.gettext("Open the report") if view.reader.anchors else l10n.gettext("Open the run")
    kind = (
        l10n.gettext("Microsoft 365 licence audit, the weekly mail")
        if view.reader.weekly
        else l10n.gettext("Microsoft 365 licence audit")
    )
    policies = f"{l10n.gettext('policies')} {view.page.run.policy_digest[:19]}"
    foot = " · ".join(
        (f"{kind} · {l10n.instant(view.page.run.as_of)}", view.page.tool, f"{l10n.gettext('run')} {view.run}", policies)
    )
    return ChatView(
        language=view.page.language,
        title=view.subject,
        sentences=tuple(text for text in _sentences(view, l10n) if text)[:_MAX_SENTENCES],
        parts=tuple(part for fields in parts if (part := _part(*fields, l10n)).lines),
        link=(label, view.reader.link) if view.reader.link else None,
        foot=single_line(foot, 300),
    )


def _part(title: str, lines: Iterable[ChatEntry], more: int, l10n: Labels) -> ChatList:
    omitted = [ChatEntry(lead="", text=l10n.more(more))] if more else []
    return ChatList(title=title, lines=(*lines, *omitted))


def _sentences(view: MailView, l10n: Labels) -> Iterator[str]:
    yield view.verdict
    yield from view.plan
    if view.scope:
        yield f"{l10n.gettext('These numbers count only the findings that you receive:')} {view.scope}."
    if view.shared:
        yield l10n.gettext("Amounts of actions also count findings that you do not receive.")
    if view.page.complete:
        return
    yield l10n.gettext("Incomplete: some of the data below is not known.")
    yield from view.completeness
    if view.more_gaps:
        yield l10n.more(view.more_gaps)


def _counts(view: MailView, l10n: Labels) -> Iterator[ChatEntry]:
    yield ChatEntry(
        lead="", text=l10n.joined(f"{l10n.number(count.count)} {count.label}" for count in view.page.counts)
    )
    if view.page.run.previous is None:
        yield ChatEntry(lead="", text=l10n.gettext("Not compared with an earlier run."))
        return
    since = l10n.gettext("Since %(day)s") % {"day": l10n.date(view.page.run.previous)}
    yield ChatEntry(
        lead=since, text=l10n.joined(f"{l10n.number(count.count)} {count.label}" for count in view.page.changes)
    )


def _changed(view: MailView, l10n: Labels) -> Iterator[ChatEntry]:
    for line in view.changed:
        facts = (line.title, line.tenant, l10n.gettext(SEVERITIES[line.severity]))
        yield ChatEntry(lead=line.summary, text=_facts(facts), href=line.href)


def _actions(view: MailView, l10n: Labels) -> Iterator[ChatEntry]:
    for action in view.actions:
        facts = (l10n.gettext(SEVERITIES[action.severity]), *action.facts, action.why, action.first)
        href = action.href or (action.document[1] if action.document is not None else "")
        yield ChatEntry(lead=plain(action.title), text=_facts(plain(fact) for fact in facts), href=href)


def _money(view: MailView, l10n: Labels) -> Iterator[ChatEntry]:
    for label, amount in view.money:
        yield ChatEntry(lead=amount, text=label)
    if view.money and view.page.lower_bound:
        yield ChatEntry(lead="", text=l10n.gettext("This is a minimum: some products have no price in the policies."))


def _facts(texts: Iterable[str]) -> str:
    return " · ".join(text for text in texts if text)
