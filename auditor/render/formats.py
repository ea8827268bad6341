"""The formats a result can be written in: their names, default file names and the modules that write them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Final, cast

from auditor.domain.errors import UsageError
from auditor.domain.result import Result
from auditor.render.artifact import Artifact
from auditor.render.text.earlier_run import EarlierRun

Renderer = Callable[..., Artifact]
"""`(result, *, locale) -> Artifact`; some take options of their own besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to write a result; its module is imported when it is first used."""

    file: str
    module: str
    curves: bool = False
    """Whether it shows what earlier runs came to."""

    def renderer(self) -> Renderer:
        """Return the function that writes it."""
        return cast("Renderer", import_module(self.module).render)


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "html": Format(file="report.html", module="auditor.render.html.report", curves=True),
        "json": Format(file="result.json", module="auditor.render.json.result"),
        "csv": Format(file="findings.csv", module="auditor.render.tables.csv"),
        "xlsx": Format(file="report.xlsx", module="auditor.render.tables.xlsx"),
        "markdown": Format(file="summary.md", module="auditor.render.ci.markdown"),
        "sarif": Format(file="result.sarif", module="auditor.render.ci.sarif"),
        "junit": Format(file="junit.xml", module="auditor.render.ci.junit"),
        "ndjson": Format(file="findings.ndjson", module="auditor.render.json.ndjson"),
        "parquet": Format(file="findings.parquet", module="auditor.render.tables.parquet"),
    }
)
"""Every format that becomes a file; `terminal` is the command line's own."""


def render(
    result: Result,
    format: str,  # noqa: A002 - the option is called so
    *,
    locale: str,
    history: Sequence[EarlierRun] = (),
) -> Artifact:
    """Write `result` in a format of FORMATS, for people who read `locale` (a BCP 47 tag); UsageError for another name.

    `history` is what earlier runs came to, oldest first; only formats that draw curves look at it. The same result,
    history, format and locale give the same bytes.
    """
    chosen = FORMATS.get(format)
    if chosen is None:
        raise UsageError("format-unknown", f"there is no format '{format}'", hint=f"one of {', '.join(FORMATS)}")
    if chosen.curves:
        return chosen.renderer()(result, locale=locale, history=history)
    return chosen.renderer()(result, locale=locale)
