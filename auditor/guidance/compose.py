"""Turns an article and the facts of a tenant into the guidance that applies there, without the other variants."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, takewhile

from auditor.domain.words import Agreement
from auditor.guidance.model import (
    CLOSED_CLOUDS,
    Article,
    Criterion,
    Dimension,
    Document,
    Duty,
    Edition,
    Library,
    NextStep,
    Order,
    Step,
    Target,
    Variant,
    When,
)
from auditor.guidance.model import Warning as ArticleWarning


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperlink:
    """A label and where it leads; None where the page is closed or the cloud has none."""

    label: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A prerequisite, a next step or a correction, under the branches to which it belongs."""

    id: str
    text: str
    branches: tuple[str, ...] = ()
    """English labels of the branches, empty where the passage holds for sure."""
    links: tuple[Hyperlink, ...] = ()
    article: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedStep:
    """One step, numbered from 1."""

    number: int
    id: str
    text: str
    order: Order
    branches: tuple[str, ...]
    links: tuple[Hyperlink, ...]
    article: str | None
    manual: bool
    irreversible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """What may be lost, and when."""

    id: str
    text: str
    loses: str
    after: str
    branches: tuple[str, ...]
    links: tuple[Hyperlink, ...]
    disputed: tuple[Hyperlink, ...]
    """Microsoft's pages that contradict one another here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleNeeded:
    """The least privileged documented role, and what it is needed for."""

    name: str
    duty: str | None
    branches: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The page of Microsoft on which the guidance rests."""

    title: str
    url: str
    date: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What an older version said, and what holds now."""

    id: str
    date: str
    then: str
    now: str
    links: tuple[Hyperlink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSteps:
    """The steps of an older version, word for word in meaning, labelled with its date."""

    title: str
    date: str
    steps: tuple[NumberedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """One article for one cloud, agreement and path."""

    id: str
    title: str
    summary: str
    order: Order
    historic: bool
    """The cloud is closed: the steps tell what was done there."""
    notices: tuple[str, ...]
    prerequisites: tuple[Passage, ...]
    roles: tuple[RoleNeeded, ...]
    steps: tuple[NumberedStep, ...]
    warnings: tuple[Caution, ...]
    next: tuple[Passage, ...]
    links: tuple[Hyperlink, ...]
    """Every link of the parts above, once, in order of appearance."""
    sources: tuple[Reference, ...]
    history: tuple[Revision, ...]
    mended: tuple[Passage, ...]
    editions: tuple[PastSteps, ...]

    @property
    def role(self) -> str:
        """The role of the main task alone, or all of them where the agreement is unknown and decides it."""
        alternatives = tuple(takewhile(lambda role: role.branches, self.roles)) or self.roles[:1]
        return " / ".join(dict.fromkeys(role.name for role in alternatives))


def compose(library: Library, article: str, variant: Variant) -> Composed:
    """Return the guidance of an article for one variant; KeyError where no article is called so.

    A passage that depends on a fact that the variant leaves open is kept under the label of its branch.
    """
    return _Composer(library, library.articles[article], variant).composed()


class _Composer:
    """One article read for one variant."""

    def __init__(self, library: Library, article: Article, variant: Variant) -> None:
        self._library = library
        self._article = article
        self._variant = variant
        self._historic = variant.cloud in CLOSED_CLOUDS
        past = tuple(edition for edition in article.editions if variant.cloud in edition.clouds)
        # The steps of a closed cloud are those that were last written for it.
        self._past: Edition | None = past[-1] if self._historic and past else None
        self._editions = () if self._past else past

    def composed(self) -> Composed:
        article = self._article
        prerequisites = tuple(
            self._passage(note.id, note.text, note.when, note.links)
            for note in article.prerequisites
            if self._applies(note.when)
        )
        steps = self._numbered(self._steps())
        warnings = tuple(self._caution(warning) for warning in article.warnings if self._applies(warning.when))
        following = tuple(self._following(step) for step in article.next if self._applies(step.when))
        return Composed(
            id=article.id,
            title=article.title,
            summary=article.summary,
            order=article.order,
            historic=self._historic,
            notices=self._notices(steps),
            prerequisites=prerequisites,
            roles=tuple(self._role(duty) for duty in article.roles if self._applies(duty.when)),
            steps=steps,
            warnings=warnings,
            next=following,
            links=_distinct(
                chain(
                    chain.from_iterable(passage.links for passage in prerequisites),
                    chain.from_iterable(step.links for step in steps),
                    chain.from_iterable(caution.links for caution in warnings),
                    chain.from_iterable(passage.links for passage in following),
                )
            ),
            sources=tuple(_reference(self._library.documents[name]) for name in article.sources),
            history=self._revisions(),
            mended=tuple(self._passage(note.id, note.text, note.when, note.links) for note in article.mended),
            editions=tuple(
                PastSteps(title=edition.title, date=edition.date, steps=self._numbered(edition.steps))
                for edition in self._editions
            ),
        )

    def _steps(self) -> tuple[Step, ...]:
        if self._past is None:
            return self._article.steps
        told = {_path(step) for step in self._past.steps}
        return (*self._past.steps, *(step for step in self._article.steps if _path(step) not in {None, *told}))

    def _applies(self, when: When) -> bool:
        return all(self._variant.known(one.dimension) in (None, *one.values) for one in when)

    def _branches(self, when: When) -> tuple[str, ...]:
        labels = self._library.terms.branches
        return tuple(
            labels[one.dimension]["+".join(one.values)] for one in when if self._variant.known(one.dimension) is None
        )

    def _numbered(self, steps: Iterable[Step]) -> tuple[NumberedStep, ...]:
        applying = (step for step in steps if self._applies(step.when))
        return tuple(
            NumberedStep(
                number=number,
                id=step.id,
                text=step.text,
                order=step.order,
                branches=self._branches(step.when),
                links=self._hyperlinks(step.links),
                article=step.article,
                manual=step.manual,
                irreversible=step.irreversible,
            )
            for number, step in enumerate(applying, start=1)
        )

    def _passage(self, name: str, text: str, when: When, links: tuple[str, ...]) -> Passage:
        return Passage(id=name, text=text, branches=self._branches(when), links=self._hyperlinks(links))

    def _following(self, step: NextStep) -> Passage:
        return Passage(
            id=step.id,
            text=step.text,
            branches=self._branches(step.when),
            links=self._hyperlinks(step.links),
            article=step.article,
        )

    def _caution(self, warning: ArticleWarning) -> Caution:
        return Caution(
            id=warning.id,
            text=warning.text,
            loses=warning.loses,
            after=warning.after,
            branches=self._branches(warning.when),
            links=self._hyperlinks(warning.links),
            disputed=self._hyperlinks(warning.disputed),
        )

    def _role(self, duty: Duty) -> RoleNeeded:
        name = self._library.terms.roles[duty.role]
        return RoleNeeded(name=name, duty=duty.duty, branches=self._branches(duty.when))

    def _revisions(self) -> tuple[Revision, ...]:
        return tuple(
            Revision(
                id=change.id,
                date=change.date,
                then=change.then,
                now=change.now,
                links=self._hyperlinks(change.links),
            )
            for change in self._article.history
            if self._applies(change.when)
        )

    def _notices(self, steps: tuple[NumberedStep, ...]) -> tuple[str, ...]:
        words = self._library.terms.notices
        branching = any(one.dimension is Dimension.AGREEMENT for step in self._article.steps for one in step.when)
        undocumented = self._variant.cloud not in self._article.documented and not self._historic
        told = (
            ("closed-cloud", self._historic),
            ("historic-edition", self._past is not None),
            ("undocumented-cloud", undocumented),
            ("unknown-agreement", self._variant.agreement is Agreement.UNKNOWN and branching and bool(steps)),
        )
        return tuple(words[name] for name, holds in told if holds)

    def _hyperlinks(self, names: tuple[str, ...]) -> tuple[Hyperlink, ...]:
        return _distinct(self._hyperlink(name) for name in names)

    def _hyperlink(self, name: str) -> Hyperlink:
        document = self._library.documents.get(name)
        if document is not None:
            return Hyperlink(label=document.title, url=document.url)
        return self._opened(self._library.targets[name])

    def _opened(self, target: Target) -> Hyperlink:
        url = target.urls.get(self._variant.cloud)
        if target.closed is not None or self._historic:
            return Hyperlink(label=target.label, url=None)
        if url is None and target.home:
            terms = self._library.terms
            return Hyperlink(label=terms.home_label, url=terms.homes[self._variant.cloud])
        return Hyperlink(label=target.label, url=url)


def _path(step: Step) -> Criterion | None:
    return next((one for one in step.when if one.dimension is Dimension.PATH), None)


def _reference(document: Document) -> Reference:
    return Reference(title=document.title, url=document.url, date=document.date)


def _distinct(links: Iterable[Hyperlink]) -> tuple[Hyperlink, ...]:
    return tuple(dict.fromkeys(links))
