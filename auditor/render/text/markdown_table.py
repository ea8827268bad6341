"""Renders tables as Markdown."""

from collections.abc import Collection, Iterable, Iterator, Sequence


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[int]) -> Iterator[str]:
    """Yield a table and a blank line, nothing without rows; columns with an index in `right` are right-aligned.

    Titles and cells are already escaped. The header and its delimiter row are one text, so that truncation never
    separates them.
    """
    lines = list(map(_row, rows))
    if not lines:
        return
    alignments = ("---:" if index in right else "---" for index in range(len(titles)))
    yield f"{_row(titles)}\n{_row(tuple(alignments))}"
    yield from lines
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
