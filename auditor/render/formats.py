"""The registry of output formats: the default file name, renderer module and input requirements of each format."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, Protocol, cast

from msgspec import Struct

from auditor.domain.enums import Contents
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.similar_name import did_you_mean
from auditor.render.text.earlier_run import EarlierRun

_UNLIMITED: Final = 1 << 62
"""An `unpacked_limit` that no file reaches."""


class RenderOptions(Struct, frozen=True, kw_only=True):
    """Options for rendering a report; a renderer ignores options that do not apply to its format."""

    locale: str
    """BCP 47 tag of the language of translated text."""
    history: Sequence[EarlierRun] = ()
    """Totals of earlier runs, oldest first, for the charts."""
    byte_order_mark: bool = False
    """Whether a CSV file begins with a UTF-8 byte order mark, which Excel needs to detect the encoding."""
    tenant_pages: str = ""
    """Folder next to an HTML report with one page per tenant; empty if there is none."""
    content: Any = None
    """The `PageContent` of the result, if it is shared between reports; None to compute it."""
    source_paths: Mapping[str, str] = {}
    """Policy file, as in the result → its path relative to the repository, or an absolute path outside it."""


class Renderer(Protocol):
    """The `render` function of a format's module."""

    def __call__(self, result: Result, options: RenderOptions, /) -> Iterable[bytes]:
        """Render a result; equal results and options give equal bytes."""


class Format(Struct, frozen=True, kw_only=True):
    """One output format; its module is imported on first use."""

    file: str
    """Default file name, without a folder."""
    module: str
    localized: bool = False
    """Whether it contains sentences in the reader's language; such formats are rendered from the localized result."""
    reads: Contents = Contents.ACTIONS
    """What rendering reads of a result; without actions, it only iterates over the findings."""
    unpacked_limit: int | None = None
    """Size in bytes up to which mails attach the file unzipped; None if mails never attach it."""

    def renderer(self) -> Renderer:
        """Import the module and return its `render` function."""
        return cast("Renderer", import_module(self.module).render)


FORMATS: Final[dict[str, Format]] = {
    "html": Format(file="report.html", module="auditor.render.html.report", localized=True, unpacked_limit=0),
    "json": Format(file="result.json", module="auditor.render.json.result"),
    "csv": Format(
        file="findings.csv",
        module="auditor.render.tables.csv",
        reads=Contents.GUIDED_COLUMNS,
        unpacked_limit=1_000_000,
    ),
    "departments": Format(
        file="departments.csv", module="auditor.render.tables.seat_sheets", reads=Contents.GUIDED_COLUMNS
    ),
    "xlsx": Format(file="report.xlsx", module="auditor.render.tables.xlsx", localized=True, unpacked_limit=_UNLIMITED),
    "markdown": Format(file="summary.md", module="auditor.render.ci.markdown", localized=True),
    "sarif": Format(file="result.sarif", module="auditor.render.ci.sarif", localized=True),
    "junit": Format(file="junit.xml", module="auditor.render.ci.junit", localized=True),
    "openmetrics": Format(file="licences.prom", module="auditor.render.metrics"),
    "ndjson": Format(file="findings.ndjson", module="auditor.render.json.ndjson", reads=Contents.GUIDED_FINDINGS),
    "parquet": Format(file="findings.parquet", module="auditor.render.tables.parquet", reads=Contents.GUIDED_COLUMNS),
}
"""All formats that are written as files; `terminal` is implemented by the command line."""


def unknown_format(name: str, files: Mapping[str, str], *others: str) -> UsageError:
    """Return the error for an unknown format name; its hint suggests a similar format, or else lists all.

    `files` maps formats to their file names, so that `md` suggests the format whose file ends in `.md`. This does not
    apply to files that are named after their content: `csv` does not suggest `approvals`, which writes `approvals.csv`.
    `others` are formats without a file.
    """
    names = (*files, *others)
    by_suffix = (
        format_name
        for format_name, file in files.items()
        if name and file.endswith(f".{name.casefold()}") and not file.startswith(f"{format_name}.")
    )
    return UsageError(
        "format-unknown",
        Message("there is no format '{name}'", name=name),
        hint=did_you_mean(next(by_suffix, name), names) or Message("one of {known}", known=", ".join(names)),
    )


def render(  # noqa: PLR0913 - the options of all formats
    result: Result,
    format: str,  # noqa: A002 - the name of the option
    *,
    locale: str,
    history: Sequence[EarlierRun] = (),
    byte_order_mark: bool = False,
    tenant_pages: str = "",
    content: Any = None,
    source_paths: Mapping[str, str] = {},
) -> Iterable[bytes]:
    """Render `result` in a format of FORMATS; the keyword arguments are those of `RenderOptions`.

    Raises UsageError if there is no such format.
    """
    output_format = FORMATS.get(format)
    if output_format is None:
        raise unknown_format(format, {name: entry.file for name, entry in FORMATS.items()})
    options = RenderOptions(
        locale=locale,
        history=history,
        byte_order_mark=byte_order_mark,
        tenant_pages=tenant_pages,
        content=content,
        source_paths=source_paths,
    )
    return output_format.renderer()(result, options)
