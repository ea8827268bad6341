"""Lists the English texts of a guidance library that translation catalogues contain, each with its id."""

from collections.abc import Iterator

from auditor.guidance.model import Article, Library


def translatable(library: Library) -> tuple[tuple[str, str], ...]:
    """Return (`article.part.id`, English text) of everything a reader sees, in a fixed order; texts may repeat."""
    articles = [library.articles[name] for name in sorted(library.articles)]
    return (*_shared(library), *(entry for article in articles for entry in _texts(article)))


def _shared(library: Library) -> Iterator[tuple[str, str]]:
    terms = library.terms
    yield "links.home", terms.home_label
    yield from ((f"links.{name}", target.label) for name, target in sorted(library.targets.items()))
    yield from ((f"documents.{name}", document.title) for name, document in sorted(library.documents.items()))
    yield from ((f"roles.{name}", text) for name, text in terms.roles.items())
    yield from ((f"notices.{name}", text) for name, text in terms.notices.items())
    for dimension, labels in terms.branches.items():
        yield from ((f"branches.{dimension}.{value}", text) for value, text in labels.items())


def _texts(article: Article) -> Iterator[tuple[str, str]]:
    yield f"{article.id}.title", article.title
    yield f"{article.id}.summary", article.summary
    for note in article.prerequisites:
        yield f"{article.id}.prerequisites.{note.id}", note.text
    for number, duty in enumerate(article.roles, start=1):
        if duty.duty is not None:
            yield f"{article.id}.roles.{number}", duty.duty
    for step in article.steps:
        yield f"{article.id}.steps.{step.id}", step.text
        if step.dated is not None:
            yield f"{article.id}.steps.{step.id}.dated", step.dated
    for warning in article.warnings:
        yield f"{article.id}.warnings.{warning.id}", warning.text
        yield f"{article.id}.warnings.{warning.id}.loses", warning.loses
        yield f"{article.id}.warnings.{warning.id}.after", warning.after
    for following in article.next:
        yield f"{article.id}.next.{following.id}", following.text
    for change in article.history:
        yield f"{article.id}.history.{change.id}.then", change.then
        yield f"{article.id}.history.{change.id}.now", change.now
    for note in article.corrections:
        yield f"{article.id}.corrections.{note.id}", note.text
    for edition in article.editions:
        yield f"{article.id}.editions.{edition.id}", edition.title
        for step in edition.steps:
            yield f"{article.id}.editions.{edition.id}.{step.id}", step.text
