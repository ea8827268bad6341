"""The registry of output formats: for each its default file name, the module that writes it, and what it needs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, Protocol, cast

from msgspec import Struct

from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.similar_name import did_you_mean
from auditor.render.artifact import Artifact
from auditor.render.text.earlier_run import EarlierRun

_UNLIMITED: Final = 1 << 62


class RenderOptions(Struct, frozen=True, kw_only=True):
    """Options of a report; a renderer ignores those that do not concern its format."""

    locale: str
    """BCP 47 tag of the language that people read."""
    history: Sequence[EarlierRun] = ()
    """Totals of earlier runs, oldest first, for curves."""
    byte_order_mark: bool = False
    """Whether a CSV file begins with a UTF-8 byte order mark, by which Excel detects the encoding."""
    tenant_pages: str = ""
    """Folder beside an HTML report that holds a page for each tenant; empty where there is none."""
    content: Any = None
    """The `PageContent` of the result, where other reports show it too."""


class Renderer(Protocol):
    """The function `render` of a format's module."""

    def __call__(self, result: Result, options: RenderOptions, /) -> Artifact:
        """Write a result: the same result and options give the same bytes."""


class Format(Struct, frozen=True, kw_only=True):
    """One output format; its module is imported when it is first used."""

    file: str
    """Default file name, without a folder."""
    module: str
    localized: bool = False
    """Whether it holds sentences in the reader's language; such formats are rendered from the localised result."""
    streams: bool = False
    """Whether it only iterates over the findings and reads no actions."""
    reads_evidence: bool = True
    """Whether it reads the evidence of findings, and not only the columns that tables list."""
    curves: bool = False
    """Whether it shows the totals of earlier runs."""
    unpacked_limit: int | None = None
    """Bytes up to which a mail carries the file as it is, beyond which in a ZIP archive; None where no mail has it."""

    def renderer(self) -> Renderer:
        """Return the function that writes it."""
        return cast("Renderer", import_module(self.module).render)


_FORMATS: Final[dict[str, Format]] = {
    "html": Format(
        file="report.html", module="auditor.render.html.report", localized=True, curves=True, unpacked_limit=0
    ),
    "json": Format(file="result.json", module="auditor.render.json.result"),
    "csv": Format(
        file="findings.csv",
        module="auditor.render.tables.csv",
        streams=True,
        reads_evidence=False,
        unpacked_limit=1_000_000,
    ),
    "departments": Format(
        file="departments.csv", module="auditor.render.tables.departments", streams=True, reads_evidence=False
    ),
    "xlsx": Format(file="report.xlsx", module="auditor.render.tables.xlsx", localized=True, unpacked_limit=_UNLIMITED),
    "markdown": Format(file="summary.md", module="auditor.render.ci.markdown", localized=True),
    "sarif": Format(file="result.sarif", module="auditor.render.ci.sarif", localized=True),
    "junit": Format(file="junit.xml", module="auditor.render.ci.junit", localized=True),
    "openmetrics": Format(file="licences.prom", module="auditor.render.metrics", reads_evidence=False),
    "ndjson": Format(file="findings.ndjson", module="auditor.render.json.ndjson", streams=True),
    "parquet": Format(
        file="findings.parquet", module="auditor.render.tables.parquet", streams=True, reads_evidence=False
    ),
}
FORMATS: Final[Mapping[str, Format]] = MappingProxyType(_FORMATS)
"""Every format that becomes a file; `terminal` is the command line's own."""


@contextmanager
def registered(name: str, format: Format) -> Iterator[None]:  # noqa: A002 - the option is called so
    """Add a format to FORMATS for the time of a `with` block; ValueError for a name that is taken."""
    if name in _FORMATS:
        raise ValueError(f"there is a format '{name}' already")
    _FORMATS[name] = format
    try:
        yield
    finally:
        del _FORMATS[name]


def unknown_format(name: str, files: Mapping[str, str], *others: str) -> UsageError:
    """Return the error of a format that is none of the known ones, with the one that was probably meant.

    `files` maps formats to their file names: `md` is meant as the format of a file that ends so. `others` have no file.
    """
    known = (*files, *others)
    by_suffix = (written for written, file in files.items() if name and file.endswith(f".{name.casefold()}"))
    return UsageError(
        "format-unknown",
        Message("there is no format '{name}'", name=name),
        hint=did_you_mean(next(by_suffix, name), known) or Message("one of {known}", known=", ".join(known)),
    )


def render(
    result: Result,
    format: str,  # noqa: A002 - the option is called so
    *,
    locale: str,
    history: Sequence[EarlierRun] = (),
    byte_order_mark: bool = False,
    tenant_pages: str = "",
    content: Any = None,
) -> Artifact:
    """Write `result` in a format of FORMATS; the keyword arguments are those of `RenderOptions`.

    Raises UsageError for a format that does not exist.
    """
    chosen = FORMATS.get(format)
    if chosen is None:
        raise unknown_format(format, {name: each.file for name, each in FORMATS.items()})
    options = RenderOptions(
        locale=locale,
        history=history,
        byte_order_mark=byte_order_mark,
        tenant_pages=tenant_pages,
        content=content,
    )
    return chosen.renderer()(result, options)
