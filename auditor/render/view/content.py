"""The content that all human-readable reports of a result share."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from auditor.domain.result.model import Result
from auditor.render.text.earlier_run import EarlierRun

if TYPE_CHECKING:
    from auditor.render.text.labels import Labels
    from auditor.render.view.finding_index import FindingIndex
    from auditor.render.view.model import Page


class PageContent:
    """A result with the content of its page and the findings that the page lists; computed on first access.

    `history` contains the totals of earlier runs, oldest first.
    """

    def __init__(self, result: Result, locale: str, history: Sequence[EarlierRun] = ()) -> None:
        self.result = result
        self.locale = locale
        self.history = history

    @cached_property
    def l10n(self) -> "Labels":
        """The formatter for the reader's language."""
        from auditor.render.text.labels import Labels  # noqa: PLC0415 - only human-readable reports need it

        return Labels(self.locale)

    @cached_property
    def indexes(self) -> "Sequence[FindingIndex]":
        """The findings of each tenant that a report lists, followed by those of the fleet."""
        from auditor.render.view.finding_index import finding_indexes  # noqa: PLC0415 - only human-readable reports need it

        return finding_indexes(self.result, self.l10n)

    @cached_property
    def page(self) -> "Page":
        """The content of the page."""
        from auditor.render.view.page import page  # noqa: PLC0415 - only human-readable reports need it

        return page(self.result, self.l10n, self.history, self.indexes)
