"""Renders a composed guidance article as the texts of an action, in the reader's language."""

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from auditor.domain.actions.action import Deadline, Link
from auditor.domain.translation import Localizer
from auditor.guidance import Composed, Hyperlink, Library, Variant, compose, related_links
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


@lru_cache(maxsize=4096)
def article_text(
    library: Library, article: str, variant: Variant, l10n: Localizer, deadline: Deadline | None = None
) -> GuidanceText:
    """Return the text of an article for a variant; cached, because many actions and tenants share it."""
    composed = compose(library, article, variant)
    return guidance_text(composed, related_links(library, composed, variant.cloud), l10n, deadline)


def guidance_text(
    composed: Composed, related: Iterable[Hyperlink], l10n: Localizer, deadline: Deadline | None = None
) -> GuidanceText:
    """Return the texts of an article; `related` are its `related_links`, which are added to the links.

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
            messages.step(l10n, step.text, step.branches, dated=step.dated, deadline=deadline)
            for step in composed.steps
        ),
        irreversible=tuple(step.number for step in composed.steps if step.irreversible),
        notices=tuple(l10n.gettext(notice) for notice in composed.notices),
        cautions=tuple(
            (messages.under(l10n, l10n.gettext(caution.text), caution.branches), caution.part)
            for caution in composed.warnings
        ),
        links=_links(l10n, composed, related),
        next=tuple(
            messages.step(l10n, item.text, item.branches)
            for item in composed.next
            if item.article is None or item.article not in linked_articles
        ),
        checked=composed.checked.isoformat(),
    )


def _links(l10n: Localizer, composed: Composed, related: Iterable[Hyperlink]) -> tuple[Link, ...]:
    """Return the main source of the article, then the pages to open, then its other sources and related ones."""
    pages = [Hyperlink(label=source.title, url=source.url) for source in composed.sources]
    links = dict.fromkeys([*pages[:1], *composed.links, *pages[1:]])
    addresses = {link.url for link in links}
    for link in related:
        if link.url not in addresses:
            addresses.add(link.url)
            links[link] = None
    return tuple(Link(label=l10n.gettext(link.label), address=link.url) for link in links if link.url is not None)
