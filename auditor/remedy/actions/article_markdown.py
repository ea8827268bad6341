"""A composed guidance article, and what is known of a check, into Markdown."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from auditor.checks.check import Check
from auditor.domain.enums import Agreement, SubjectType
from auditor.domain.translation import N_
from auditor.guidance import Composed, Situation
from auditor.guidance.tenant_guidance import Hyperlink, NumberedStep
from auditor.remedy import messages
from auditor.remedy.dates import said
from auditor.remedy.messages import Words

_SUBJECTS: Final[Mapping[SubjectType, str]] = {
    SubjectType.USER: N_("user"),
    SubjectType.PRODUCT: N_("product"),
    SubjectType.SUBSCRIPTION: N_("subscription"),
    SubjectType.GROUP: N_("group"),
    SubjectType.TENANT: N_("tenant"),
    SubjectType.FLEET: N_("fleet"),
}
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


def routes(check: Check[Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the articles for a check: those of an unknown situation first, then where another one leads elsewhere."""
    usual = check.articles(Situation())
    found = [(name, check.articles(situation)) for name, situation in _SITUATIONS]
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


def check_markdown(check: Check[Any], words: Words, titles: Mapping[str, str]) -> str:
    """Return what a check means and where its guidance leads; links are relative to a page of `docs/checks/`."""
    lines = [
        f"# `{check.id}`: {words.gettext(check.name)}",
        "",
        words.gettext(check.explanation),
        "",
        f"| {words.gettext('Raised by')} | {words.gettext('Subject')} | {words.gettext('Once per')} |",
        "|---|---|---|",
        f"| `{check.key}` | {words.gettext(_SUBJECTS[check.subject])} | {words.gettext(check.once_per)} |",
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
