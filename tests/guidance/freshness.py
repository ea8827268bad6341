"""Reports guidance that was last checked against its source more than a year ago, and announced changes."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from msgspec import Struct

from auditor.domain.policy.prices import months_before
from auditor.guidance.model import Article, Library, Note

_MONTHS: Final = 12


class CheckedArticle(Struct, frozen=True, kw_only=True, order=True):
    """An article or an address, and when it was last checked against its source."""

    checked: date
    kind: str
    """`article`, `document` or `page`."""
    id: str
    title: str


class Announced(Struct, frozen=True, kw_only=True, order=True):
    """A passage that becomes valid or invalid on a future day."""

    day: date
    begins: bool
    article: str
    part: str
    text: str


class Freshness(Struct, frozen=True, kw_only=True):
    """The state of the guidance on one day."""

    as_of: date
    checked: tuple[CheckedArticle, ...]
    """Everything with a check date, the oldest first."""
    announced: tuple[Announced, ...]

    @property
    def stale(self) -> tuple[CheckedArticle, ...]:
        """Entries that were last checked more than twelve months before `as_of`."""
        limit = months_before(self.as_of, _MONTHS)
        return tuple(entry for entry in self.checked if entry.checked < limit)


def freshness(library: Library, as_of: date) -> Freshness:
    """Return the freshness of the articles and addresses of a library on a day."""
    articles = [library.articles[name] for name in sorted(library.articles)]
    announced = (passage for article in articles for passage in _announced(article, as_of))
    return Freshness(
        as_of=as_of, checked=tuple(sorted(_checked(library, articles))), announced=tuple(sorted(announced))
    )


def last_checked(library: Library) -> date:
    """Return the latest check date of any entry of a library."""
    return max(entry.checked for entry in _checked(library, library.articles.values()))


def freshness_markdown(state: Freshness) -> str:
    """Return the freshness as a Markdown page in English."""
    lines = [
        "# Freshness of the guidance",
        "",
        f"As of {state.as_of.isoformat()}. Every article and every address has the day on which it was last compared",
        "with its source. `make guidance` lists what is older than 12 months and writes this page again.",
        "",
        "## Older than 12 months",
        "",
        *(_rows(state.stale) if state.stale else ["Nothing.", ""]),
        "## Announced for a date",
        "",
        "Audits before the date contain the old text, audits from the date on the new text.",
        "",
    ]
    if state.announced:
        lines += ["| Date | Article | Passage | Change | Text |", "|---|---|---|---|---|"]
        for passage in state.announced:
            change = "added" if passage.begins else "removed"
            name = f"[{passage.article}]({passage.article}.md)"
            lines.append(f"| {passage.day.isoformat()} | {name} | {passage.part} | {change} | {passage.text} |")
        lines.append("")
    else:
        lines += ["Nothing.", ""]
    lines += ["## Everything, the oldest first", "", *_rows(state.checked)]
    return "\n".join(lines).rstrip() + "\n"


def _rows(checked: Iterable[CheckedArticle]) -> list[str]:
    rows = [f"| {entry.checked.isoformat()} | {entry.kind} | `{entry.id}` | {entry.title} |" for entry in checked]
    return ["| Checked | Kind | Name | Title |", "|---|---|---|---|", *rows, ""]


def _checked(library: Library, articles: Iterable[Article]) -> Iterator[CheckedArticle]:
    for article in articles:
        yield CheckedArticle(checked=article.checked, kind="article", id=article.id, title=article.title)
    for document in library.documents.values():
        yield CheckedArticle(checked=document.checked, kind="document", id=document.id, title=document.title)
    for target in library.targets.values():
        if target.closed is None:
            yield CheckedArticle(checked=target.checked, kind="page", id=target.id, title=target.label)


def _announced(article: Article, as_of: date) -> Iterator[Announced]:
    parts: tuple[tuple[str, Iterable[Note]], ...] = (
        ("prerequisites", article.prerequisites),
        ("steps", article.steps),
        ("warnings", article.warnings),
        ("next", article.next),
    )
    for name, passages in parts:
        for passage in passages:
            for day, begins in ((passage.effective, True), (passage.until, False)):
                if day is not None and day > as_of:
                    part = f"{name}.{passage.id}"
                    yield Announced(day=day, begins=begins, article=article.id, part=part, text=passage.text)
