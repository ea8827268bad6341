"""A composed guidance article, and what is known of a check, into Markdown."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from auditor.domain.enums import Agreement
from auditor.domain.translation import N_
from auditor.guidance import Composed, Situation, choose
from auditor.guidance.tenant_guidance import Hyperlink, NumberedStep
from auditor.remedy import messages
from auditor.remedy.dates import said
from auditor.remedy.messages import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFact:
    """Where a check stands in the policy language."""

    block: str
    """The constraint block and key that raise it."""
    subject: str
    once_per: str


CHECK_FACTS: Final[Mapping[str, CheckFact]] = {
    "assignment.not-allowed": CheckFact(block="assignments: {allow}", subject=N_("user"), once_per=N_("product held")),
    "assignment.denied": CheckFact(block="assignments: {deny}", subject=N_("user"), once_per=N_("product held")),
    "assignment.missing": CheckFact(
        block="assignments: {require}", subject=N_("user"), once_per=N_("element of the list")
    ),
    "assignment.overlap": CheckFact(
        block="assignments: {exclusive}", subject=N_("user"), once_per=N_("list of alternatives")
    ),
    "assignment.redundant": CheckFact(
        block="assignments: {redundant}", subject=N_("user"), once_per=N_("product contained")
    ),
    "assignment.path": CheckFact(block="assignments: {via}", subject=N_("user"), once_per=N_("product held")),
    "assignment.duplicate": CheckFact(
        block="assignments: {duplicates}", subject=N_("user"), once_per=N_("product held")
    ),
    "assignment.error": CheckFact(block="health: {errors}", subject=N_("user"), once_per=N_("product and error")),
    "service.missing": CheckFact(
        block="assignments: {services: {require}}", subject=N_("user"), once_per=N_("service plan")
    ),
    "service.denied": CheckFact(
        block="assignments: {services: {deny}}", subject=N_("user"), once_per=N_("service plan")
    ),
    "seats.over-assigned": CheckFact(block="seats: {spare}", subject=N_("product"), once_per=N_("product, or pool")),
    "seats.below-minimum": CheckFact(
        block="seats: {spare: {min}}", subject=N_("product"), once_per=N_("product, or pool")
    ),
    "seats.above-maximum": CheckFact(
        block="seats: {spare: {max}}", subject=N_("product"), once_per=N_("product, or pool")
    ),
    "seats.quota-exceeded": CheckFact(
        block="seats: {assigned: {max}}", subject=N_("product"), once_per=N_("product, or pool")
    ),
    "purchase.not-allowed": CheckFact(
        block="purchases: {allow, deny}", subject=N_("product"), once_per=N_("product owned")
    ),
    "purchase.trial": CheckFact(block="purchases: {trials}", subject=N_("product"), once_per=N_("product owned")),
    "purchase.unknown": CheckFact(block="purchases: {unknown}", subject=N_("product"), once_per=N_("product owned")),
    "subscription.expiring": CheckFact(
        block="subscriptions: {expiring}", subject=N_("subscription"), once_per=N_("subscription")
    ),
    "subscription.state": CheckFact(
        block="subscriptions: {states}", subject=N_("subscription"), once_per=N_("subscription")
    ),
    "subscription.trial-ending": CheckFact(
        block="subscriptions: {trials}", subject=N_("subscription"), once_per=N_("subscription")
    ),
    "attribute.missing": CheckFact(block="attributes: {require}", subject=N_("user"), once_per=N_("property")),
    "attribute.not-allowed": CheckFact(block="attributes: {allow}", subject=N_("user"), once_per=N_("property")),
    "group.license-errors": CheckFact(block="health: {groups}", subject=N_("group"), once_per=N_("group")),
    "group.processing": CheckFact(block="health: {groups}", subject=N_("group"), once_per=N_("group")),
    "balance.imbalance": CheckFact(block="balance: {spare}", subject=N_("fleet"), once_per=N_("product")),
    "budget.exceeded": CheckFact(block="budget: {limit}", subject=N_("tenant"), once_per=N_("tenant")),
}
"""Every check, in the order of the policy language."""

_SITUATIONS: Final[tuple[tuple[str, Situation], ...]] = (
    (N_("The licence is assigned directly"), Situation(path="direct")),
    (N_("The licence comes from a group"), Situation(path="group")),
    (N_("The licence comes on both paths"), Situation(path="both")),
    (N_("The policy asks for another product"), Situation(path="direct", replacement_required=True)),
    (N_("The account is blocked"), Situation(path="direct", account_enabled=False)),
    (N_("The user is a guest"), Situation(path="direct", user_type="Guest")),
    (N_("The mailbox is shared, a room or equipment"), Situation(path="direct", mailbox_type="shared")),
    (N_("The user is inactive or never signed in"), Situation(path="direct", inactive=True)),
    (N_("The user bought it"), Situation(path="direct", self_service=True)),
    (N_("It is a trial"), Situation(is_trial=True)),
    (N_("The subscription is in its grace period"), Situation(status="Warning")),
    (N_("The subscription is suspended"), Situation(status="Suspended")),
    (N_("The subscription is deleted"), Situation(status="Deleted")),
    (N_("The property is usageLocation"), Situation(attribute="usageLocation")),
    (N_("The property is another one"), Situation(attribute="department")),
    ("CountViolation", Situation(error_code="CountViolation")),
    ("MutuallyExclusiveViolation", Situation(error_code="MutuallyExclusiveViolation")),
    ("DependencyViolation", Situation(error_code="DependencyViolation")),
    ("ProhibitedInUsageLocationViolation", Situation(error_code="ProhibitedInUsageLocationViolation")),
    ("UniquenessViolation", Situation(error_code="UniquenessViolation")),
    (N_("The agreement is a Microsoft Customer Agreement"), Situation(agreement=Agreement.MCA)),
    (N_("The agreement is for volume licensing"), Situation(agreement=Agreement.VOLUME)),
    (N_("The licences were bought from a partner"), Situation(agreement=Agreement.CSP)),
)


def routes(check: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the articles for a check: those of an unknown situation first, then where another one leads elsewhere."""
    usual = choose(check, Situation())
    found = [(name, choose(check, situation)) for name, situation in _SITUATIONS]
    return (("", usual), *((name, articles) for name, articles in found if articles != usual))


def article_markdown(composed: Composed, words: Words, titles: Mapping[str, str]) -> str:
    """Return an article as Markdown; `titles` are those of all articles, by id."""
    lines = [f"# {words.gettext(composed.title)}", "", words.gettext(composed.summary), ""]
    lines += [f"> {words.gettext(notice)}" for notice in composed.notices]
    lines += [""] if composed.notices else []
    roles = [_role(role.name, role.duty, role.branches, words) for role in composed.roles]
    lines += _listed(words.gettext("Who can do it"), roles)
    lines += _listed(
        words.gettext("Before you begin"),
        [messages.under(words, words.gettext(item.text), item.branches) for item in composed.prerequisites],
    )
    lines += _listed(
        words.gettext("Warnings"),
        [messages.warning(words, item.text, item.loses, item.after, item.branches) for item in composed.warnings],
    )
    lines += [f"## {words.gettext('Steps')}", "", *_steps(composed.steps, words, titles), ""]
    lines += _listed(
        words.gettext("Then"),
        [messages.step(words, item.text, item.branches, titles.get(item.article or "")) for item in composed.next],
    )
    lines += _listed(
        words.gettext("What changed"),
        [f"{item.date}: {words.gettext(item.then)} {words.gettext(item.now)}" for item in composed.history],
    )
    for past in composed.editions:
        lines += [f"## {words.gettext(past.title)} ({past.date})", "", *_steps(past.steps, words, titles), ""]
    lines += _listed(
        words.gettext("Corrections to the published text"),
        [f"{words.gettext(item.text)}{_links(item.links, words)}" for item in composed.mended],
    )
    sources = (f"[{words.gettext(source.title)}]({source.url})" for source in composed.sources)
    lines += _listed(words.gettext("Sources"), sources)
    checked = words.gettext("Last checked against the sources: {day}.")
    lines += [checked.format(day=said(words, composed.checked)), ""]
    return "\n".join(lines).rstrip() + "\n"


def check_markdown(check: str, name: str, explanation: str, words: Words, titles: Mapping[str, str]) -> str:
    """Return what a check means and where its guidance leads; links are relative to a page of `docs/checks/`."""
    fact = CHECK_FACTS[check]
    lines = [
        f"# `{check}`: {words.gettext(name)}",
        "",
        words.gettext(explanation),
        "",
        f"| {words.gettext('Raised by')} | {words.gettext('Subject')} | {words.gettext('Once per')} |",
        "|---|---|---|",
        f"| `{fact.block}` | {words.gettext(fact.subject)} | {words.gettext(fact.once_per)} |",
        "",
        f"## {words.gettext('How to fix it')}",
        "",
        f"| {words.gettext('When')} | {words.gettext('What to do')} | {words.gettext('Read also')} |",
        "|---|---|---|",
    ]
    for when, (first, *others) in routes(check):
        told = words.gettext(when) if when else words.gettext("Nothing more is known")
        also = ", ".join(_page(article, words, titles) for article in others)
        lines.append(f"| {told} | {_page(first, words, titles)} | {also} |")
    return "\n".join(lines) + "\n"


def _page(article: str, words: Words, titles: Mapping[str, str]) -> str:
    return f"[{words.gettext(titles[article])}](../guidance/{article}.md)"


def _role(name: str, duty: str | None, branches: tuple[str, ...], words: Words) -> str:
    told = words.gettext(name) if duty is None else f"{words.gettext(name)}. {words.gettext(duty)}"
    return messages.under(words, told, branches)


def _listed(heading: str, items: Iterable[str]) -> list[str]:
    found = list(items)
    return [f"## {heading}", "", *(f"- {item}" for item in found), ""] if found else []


def _steps(steps: Iterable[NumberedStep], words: Words, titles: Mapping[str, str]) -> Iterator[str]:
    for step in steps:
        told = messages.step(words, step.text, step.branches, titles.get(step.article or ""))
        if step.irreversible:
            told += f" **{words.gettext('This step cannot be undone.')}**"
        yield f"{step.number}. {told}{_links(step.links, words)}"


def _links(links: Iterable[Hyperlink], words: Words) -> str:
    shown = [f"[{words.gettext(link.label)}]({link.url})" for link in links if link.url is not None]
    return f" ({', '.join(shown)})" if shown else ""
