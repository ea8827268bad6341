"""Renders composed guidance articles and descriptions of checks as Markdown."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from auditor.checks.check import Check
from auditor.domain.enums import Agreement, SubjectType
from auditor.domain.translation import N_, Localizer
from auditor.guidance import ERRORS, Composed, Situation
from auditor.guidance.tenant_guidance import Hyperlink, NumberedStep, Passage
from auditor.remedy import messages

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
    (N_("The licence is assigned directly and by a group"), Situation(path="both")),
    (N_("The policy requires another product"), Situation(path="direct", replacement_required=True)),
    (N_("The account is blocked"), Situation(path="direct", account_enabled=False)),
    (N_("The user is a guest"), Situation(path="direct", user_type="Guest")),
    (N_("It is a shared, room or equipment mailbox"), Situation(path="direct", mailbox_type="shared")),
    (N_("The user is inactive or never signed in"), Situation(path="direct", inactive=True)),
    (N_("The policy is about people with a directory role"), Situation(path="direct", directory_role=True)),
    (N_("The user bought it"), Situation(path="direct", self_service=True)),
    (N_("It is a trial"), Situation(is_trial=True)),
    (N_("The subscription is Expired (Warning in Graph)"), Situation(status="Warning")),
    (N_("The subscription is Disabled (Suspended in Graph)"), Situation(status="Suspended")),
    (N_("The subscription is Deleted"), Situation(status="Deleted")),
    (N_("The property is usageLocation"), Situation(attribute="usageLocation")),
    (N_("The property is not usageLocation"), Situation(attribute="department")),
    *((code, Situation(error_code=code)) for code in ERRORS),
    (N_("The agreement is a Microsoft Customer Agreement"), Situation(agreement=Agreement.MCA)),
    (N_("The agreement is for volume licensing"), Situation(agreement=Agreement.VOLUME)),
    (N_("The licences were bought from a partner"), Situation(agreement=Agreement.CSP)),
)


def routes(check: Check[Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the articles for a check: first for an unknown situation, then for each situation with other articles."""
    usual = check.articles(Situation())
    by_situation = [(name, check.articles(situation)) for name, situation in _SITUATIONS]
    return (("", usual), *((name, articles) for name, articles in by_situation if articles != usual))


def article_markdown(composed: Composed, l10n: Localizer, page: Callable[[str], str]) -> str:
    """Return an article as Markdown; `page` returns a reference to an article by id."""
    lines = [f"# {l10n.gettext(composed.title)}", "", l10n.gettext(composed.summary), ""]
    lines += [f"> {l10n.gettext(notice)}" for notice in composed.notices]
    lines += [""] if composed.notices else []
    roles = [_role(role.name, role.duty, role.branches, l10n) for role in composed.roles]
    lines += _section(l10n.gettext("Who can do it"), roles)
    lines += _section(
        l10n.gettext("Before you begin"),
        [messages.under(l10n, l10n.gettext(item.text), item.branches) for item in composed.prerequisites],
    )
    lines += _section(
        l10n.gettext("Warnings"),
        [messages.warning_text(l10n, item.text, item.loses, item.after, item.branches) for item in composed.warnings],
    )
    lines += [f"## {l10n.gettext('Steps')}", "", *_steps(composed.steps, l10n, page), ""]
    lines += _section(
        l10n.gettext("Then"),
        [messages.step(l10n, item.text, item.branches, article=_reference(item, page)) for item in composed.next],
    )
    lines += _section(
        l10n.gettext("What changed"),
        [f"{item.date}: {l10n.gettext(item.then)} {l10n.gettext(item.now)}" for item in composed.history],
    )
    for past in composed.editions:
        lines += [f"## {l10n.gettext(past.title)} ({past.date})", "", *_steps(past.steps, l10n, page), ""]
    lines += _section(
        l10n.gettext("Corrections to the published text"),
        [f"{l10n.gettext(item.text)}{_links(item.links, l10n)}" for item in composed.corrections],
    )
    sources = (f"[{l10n.gettext(source.title)}]({source.url})" for source in composed.sources)
    lines += _section(l10n.gettext("Sources"), sources)
    lines += [l10n.gettext("Last checked against the sources: {day}.", day=l10n.day(composed.checked)), ""]
    return "\n".join(lines).rstrip() + "\n"


def check_markdown(check: Check[Any], l10n: Localizer, page: Callable[[str], str]) -> str:
    """Return the meaning of a check and its articles as Markdown; `page` returns a reference to an article by id."""
    lines = [
        f"# `{check.id}`: {l10n.gettext(check.name)}",
        "",
        l10n.gettext(check.explanation),
        "",
        f"- {l10n.gettext('Raised by')}: `{check.key}`",
        f"- {l10n.gettext('Subject')}: {l10n.gettext(_SUBJECTS[check.subject])}",
        f"- {l10n.gettext('Once per')}: {l10n.gettext(check.once_per)}",
        "",
        f"## {l10n.gettext('How to fix it')}",
        "",
    ]
    for when, (first, *others) in routes(check):
        text = l10n.gettext(when) if when else l10n.gettext("In general")
        also = ", ".join(map(page, others))
        lines.append(f"- {text}: {page(first)}" + (f"; {l10n.gettext('read also')} {also}" if also else ""))
    return "\n".join(lines) + "\n"


def _role(name: str, duty: str | None, branches: tuple[str, ...], l10n: Localizer) -> str:
    text = l10n.gettext(name) if duty is None else f"{l10n.gettext(name)}, {l10n.gettext(duty)}"
    return messages.under(l10n, text, branches)


def _section(heading: str, items: Iterable[str]) -> list[str]:
    lines = list(items)
    return [f"## {heading}", "", *(f"- {item}" for item in lines), ""] if lines else []


def _reference(item: Passage, page: Callable[[str], str]) -> str | None:
    return None if item.article is None else page(item.article)


def _steps(steps: Iterable[NumberedStep], l10n: Localizer, page: Callable[[str], str]) -> Iterator[str]:
    for step in steps:
        text = messages.step(l10n, step.text, step.branches, article=_reference(step, page))
        if step.irreversible:
            text += f" **{l10n.gettext('This step cannot be undone.')}**"
        yield f"{step.number}. {text}{_links(step.links, l10n)}"


def _links(links: Iterable[Hyperlink], l10n: Localizer) -> str:
    formatted = [f"[{l10n.gettext(link.label)}]({link.url})" for link in links if link.url is not None]
    return f" ({', '.join(formatted)})" if formatted else ""
