"""A composed guidance article into the texts that an action shows, in the reader's language."""

from collections.abc import Iterator, Mapping
from datetime import date

from msgspec import Struct

from auditor.domain.actions.action import Link
from auditor.guidance import Composed
from auditor.remedy import messages
from auditor.remedy.messages import Localizer


class GuidanceText(Struct, frozen=True, kw_only=True):
    """What an article says in the reader's language, whatever the action is about."""

    role: str
    prerequisites: tuple[str, ...]
    steps: tuple[str, ...]
    irreversible: tuple[int, ...]
    notices: tuple[str, ...]
    cautions: tuple[str, ...]
    links: tuple[Link, ...]
    next: tuple[str, ...]
    checked: str


def guidance_text(
    composed: Composed, titles: Mapping[str, str], l10n: Localizer, deadline: date | None = None
) -> GuidanceText:
    """Return what an article says; `titles` are those of all articles, by id.

    `deadline` is the next date of the subscription that it is about: the steps name it where it is known.
    """
    linked_articles = {step.article for step in composed.steps}  # what a step leads to already is no way on
    return GuidanceText(
        role=" / ".join(dict.fromkeys(l10n.gettext(role.name) for role in composed.alternatives)),
        prerequisites=(
            *(messages.under(l10n, l10n.gettext(passage.text), passage.branches) for passage in composed.prerequisites),
            *_further(l10n, composed),
        ),
        steps=tuple(
            messages.step(
                l10n,
                step.text,
                step.branches,
                None if step.article is None else titles[step.article],
                dated=step.dated,
                deadline=deadline,
            )
            for step in composed.steps
        ),
        irreversible=tuple(step.number for step in composed.steps if step.irreversible),
        notices=tuple(l10n.gettext(notice) for notice in composed.notices),
        cautions=tuple(
            messages.warning(l10n, caution.text, caution.loses, caution.after, caution.branches)
            for caution in composed.warnings
        ),
        links=_links(l10n, composed),
        next=tuple(
            messages.step(l10n, item.text, item.branches, None if item.article is None else titles[item.article])
            for item in composed.next
            if item.article is None or item.article not in linked_articles
        ),
        checked=composed.checked.isoformat(),
    )


def _links(l10n: Localizer, composed: Composed) -> tuple[Link, ...]:
    """Return the article's own page before the places to open and all else that it leads to."""
    pages = [Link(label=l10n.gettext(source.title), address=source.url) for source in composed.sources]
    linked = (Link(label=l10n.gettext(link.label), address=link.url) for link in composed.links if link.url is not None)
    links = [*pages[:1], *linked]
    links += pages[1:]
    return tuple(dict.fromkeys(links))


def _further(l10n: Localizer, composed: Composed) -> Iterator[str]:
    """Yield the roles that some steps need besides the first."""
    for role in composed.roles[len(composed.alternatives) :]:
        if role.duty is not None:
            yield messages.under(l10n, messages.also_needed(l10n, role.name, role.duty), role.branches)
