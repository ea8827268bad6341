"""Composes the guidance of an article for the facts of one tenant."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final

from msgspec.structs import replace

from auditor.domain.enums import Agreement, Cloud
from auditor.guidance import model
from auditor.guidance.model import CLOSED_CLOUDS, Dimension, Library, SourceDocument, Variant
from auditor.guidance.tenant_guidance import Caution, Composed, Hyperlink, NumberedStep, Passage, PastSteps, RoleNeeded

_DOCSET: Final = "https://learn.microsoft.com/microsoft-365/"
_VIEWS: Final = MappingProxyType({Cloud.CHINA: "o365-21vianet"})
"""The view parameter of Microsoft's pages for a cloud; without it they show the commercial cloud."""


def compose(library: Library, article: str, variant: Variant) -> Composed:
    """Return the guidance of an article for one variant. Raises KeyError for an unknown article.

    If the variant leaves a fact open, passages that depend on it are included under the label of their branch.
    """
    return _Composer(library, library.articles[article], variant).composed()


def related_links(library: Library, composed: Composed, cloud: Cloud) -> tuple[Hyperlink, ...]:
    """Return the main source of each article to which steps and next steps refer, under the title of the article."""
    articles = dict.fromkeys(item.article for item in (*composed.steps, *composed.next) if item.article is not None)
    return tuple(
        Hyperlink(label=library.titles[article], url=_in_view(library.main_sources[article], cloud).url)
        for article in articles
    )


class _Composer:
    """Composes one article for one variant."""

    def __init__(self, library: Library, article: model.Article, variant: Variant) -> None:
        self._library = library
        self._article = article
        self._variant = variant
        self._day = CLOSED_CLOUDS.get(variant.cloud) or variant.day or article.checked
        self._historic = variant.cloud in CLOSED_CLOUDS
        past_editions = tuple(edition for edition in article.editions if variant.cloud in edition.clouds)
        # For a closed cloud, use the steps of its last edition, if that has any for the path.
        last_edition = past_editions[-1:] if self._historic else ()
        self._past: model.Edition | None = next(
            (edition for edition in last_edition if any(map(self._is_shown, edition.steps))), None
        )
        self._edition_lacks_path = bool(last_edition) and self._past is None
        self._editions = () if self._past else past_editions

    def composed(self) -> Composed:
        article = self._article
        prerequisites = tuple(self._passage(note) for note in article.prerequisites if self._is_shown(note))
        steps = self._steps()
        warnings = tuple(
            Caution(loses=warning.loses, after=warning.after, part=warning.part, **self._values(warning))
            for warning in article.warnings
            if self._is_shown(warning)
        )
        next_passages = tuple(self._passage(note) for note in article.next if self._is_shown(note))
        sources = tuple(self._library.documents[name] for name in article.sources)
        passages: tuple[Passage, ...] = (*prerequisites, *steps, *warnings, *next_passages)
        return Composed(
            title=article.title,
            summary=article.summary,
            checked=min([article.checked, *(source.checked for source in sources)]),
            notices=self._notices(steps),
            prerequisites=prerequisites,
            roles=tuple(
                RoleNeeded(name=self._library.terms.roles[role.role], duty=role.duty, branches=self._branches(role))
                for role in article.roles
                if role.applies(self._variant)
            ),
            steps=steps,
            warnings=warnings,
            next=next_passages,
            links=_distinct(link for passage in passages for link in passage.links),
            sources=tuple(_in_view(page, self._variant.cloud) for page in sources),
            history=tuple(change for change in article.history if change.applies(self._variant)),
            corrections=tuple(map(self._passage, article.corrections)),
            editions=tuple(
                PastSteps(title=edition.title, date=edition.date, steps=self._numbered(edition.steps, plain=True))
                for edition in self._editions
                if any(map(self._is_shown, edition.steps))
            ),
        )

    def _steps(self) -> tuple[NumberedStep, ...]:
        if self._past is not None:
            return self._numbered(self._past.steps, plain=True)
        # The last edition for a closed cloud covers one path only; for the other, use the article's own steps.
        return self._numbered(
            step for step in self._article.steps if not self._edition_lacks_path or Dimension.PATH in step.when
        )

    def _is_shown(self, part: model.Conditional) -> bool:
        return part.applies(self._variant) and part.is_valid(self._day)

    def _branches(self, part: model.Conditional) -> tuple[str, ...]:
        labels, value_of = self._library.terms.branches, self._variant.value
        return tuple(labels[fact]["+".join(values)] for fact, values in part.criteria.items() if value_of(fact) is None)

    def _numbered(self, steps: Iterable[model.ArticleStep], *, plain: bool = False) -> tuple[NumberedStep, ...]:
        """Return the steps that apply; `plain` omits the branches, which older versions did not have."""
        applicable = (step for step in steps if self._is_shown(step))
        return tuple(
            NumberedStep(
                number=number,
                order=step.order,
                dated=step.dated,
                irreversible=step.irreversible,
                **self._values(step, plain=plain),
            )
            for number, step in enumerate(applicable, start=1)
        )

    def _passage(self, note: model.Note) -> Passage:
        return Passage(**self._values(note))

    def _values(self, note: model.Note, *, plain: bool = False) -> dict[str, Any]:
        """Return the values of a passage; `plain` omits the branches."""
        return {
            "id": note.id,
            "text": note.text,
            "branches": () if plain else self._branches(note),
            "links": self._hyperlinks(note.links),
            "article": note.article,
        }

    def _notices(self, steps: tuple[NumberedStep, ...]) -> tuple[str, ...]:
        notices = self._library.terms.notices
        branching = self._past is None and any(
            Dimension.AGREEMENT in step.when for step in self._article.steps if step.is_valid(self._day)
        )
        undocumented = self._variant.cloud not in self._article.documented and not self._historic
        flags = (
            ("closed-cloud", self._historic),
            ("historic-edition", self._past is not None),
            ("undocumented-cloud", undocumented),
            ("unknown-agreement", self._variant.agreement is Agreement.UNKNOWN and branching and bool(steps)),
        )
        return tuple(notices[name] for name, is_shown in flags if is_shown)

    def _hyperlinks(self, names: tuple[str, ...]) -> tuple[Hyperlink, ...]:
        return _distinct(self._hyperlink(name) for name in names)

    def _hyperlink(self, name: str) -> Hyperlink:
        document, terms = self._library.documents.get(name), self._library.terms
        if document is not None:
            return Hyperlink(label=document.title, url=_in_view(document, self._variant.cloud).url)
        target = self._library.targets[name]
        url = target.urls.get(self._variant.cloud)
        if target.closed is not None or self._historic:
            return Hyperlink(label=target.label, url=None)
        if url is None and target.home:
            return Hyperlink(label=terms.home_label, url=terms.homes[self._variant.cloud])
        return Hyperlink(label=target.label, url=url)


def _in_view(page: SourceDocument, cloud: Cloud) -> SourceDocument:
    """Return a page with its address in the view of a cloud, if the page has views."""
    view = _VIEWS.get(cloud)
    return page if view is None or not page.url.startswith(_DOCSET) else replace(page, url=f"{page.url}?view={view}")


def _distinct(links: Iterable[Hyperlink]) -> tuple[Hyperlink, ...]:
    return tuple(dict.fromkeys(links))
