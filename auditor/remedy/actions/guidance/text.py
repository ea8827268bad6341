"""Renders a composed guidance article as the texts of an action, in the reader's language."""

from collections.abc import Mapping

from msgspec import Struct

from auditor.domain.actions.action import Link
from auditor.domain.actions.deadline import Deadline
from auditor.domain.translation import Localizer
from auditor.guidance import Composed
from auditor.remedy import messages


class GuidanceText(Struct, frozen=True, kw_only=True):
    """The texts of an article in the reader's language, which do not depend on the action."""

    role: str
    prerequisites: tuple[str, ...]
    steps: tuple[str, ...]
    irreversible: tuple[int, ...]
    notices: tuple[str, ...]
    cautions: tuple[tuple[str, str], ...]
    """The text of each warning, and the part of products that it is about; empty if it is about all."""
    links: tuple[Link, ...]
    next: tuple[str, ...]
    checked: str


def guidance_text(
    composed: Composed, titles: Mapping[str, str], l10n: Localizer, deadline: Deadline | None = None
) -> GuidanceText:
    """Return the texts of an article; `titles` are those of all articles, by id.

    The steps contain `deadline`, when to decide about the action, if it is known.
    """
    linked_articles = {step.article for step in composed.steps}  # these are not repeated in `next`
    return GuidanceText(
        role=" / ".join(dict.fromkeys(l10n.gettext(role.name) for role in composed.alternatives)),
        prerequisites=(
            *(messages.under(l10n, l10n.gettext(passage.text), passage.branches) for passage in composed.prerequisites),
            *(  # the roles that some steps need in addition to the first one
                messages.under(l10n, messages.also_needed(l10n, role.name, role.duty), role.branches)
                for role in composed.roles[len(composed.alternatives) :]
                if role.duty is not None
            ),
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
            (messages.warning_text(l10n, caution.text, caution.loses, caution.after, caution.branches), caution.part)
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
    """Return the main source of the article first, then the pages to open, then its other sources."""
    pages = [Link(label=l10n.gettext(source.title), address=source.url) for source in composed.sources]
    linked = (Link(label=l10n.gettext(link.label), address=link.url) for link in composed.links if link.url is not None)
    links = [*pages[:1], *linked]
    links += pages[1:]
    return tuple(dict.fromkeys(links))
