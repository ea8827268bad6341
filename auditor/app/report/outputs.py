"""Selects and writes the requested output files, either all or none."""

import gc
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.report.source_paths import repository_paths
from auditor.arrays.memory import release_arrow_memory
from auditor.deliver.report_folder import ChildFile, FilePart, Pieces, write_all
from auditor.deliver.standard_output import write_document
from auditor.domain.enums import Contents
from auditor.domain.errors import Diagnostic, Level, UsageError
from auditor.domain.message import Message, truncated, unwritable
from auditor.domain.result.model import Result
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.files.names import tenant_name
from auditor.files.output import check_target, descriptor_of
from auditor.gc_pause import paused_gc
from auditor.render import FORMATS, TenantSpans, render, result_json, tenant_frame, tenant_json
from auditor.render.formats import unknown_format
from auditor.render.text.earlier_run import EarlierRun
from auditor.render.view.content import PageContent
from auditor.result.aggregate import single_tenant
from auditor.result.ranking import MAX_SECTIONS

TERMINAL = "terminal"
FORMAT_NAMES = (*FORMATS, TERMINAL)
"""The formats of -f, for its help."""
STDOUT = "-"
_SEPARATOR: Final = re.compile(r",(?=[^,=./\\]*(?:[,=]|$))")
"""A comma between two formats; a comma in a PATH that no name follows is kept."""
_TENANTS_FOLDER = "tenants"
"""The folder for the files of individual tenants."""
_MAX_EARLIER_FILES = 5
"""Maximum number of files of an earlier run that a warning names."""
Histories = Callable[[Result], Mapping[str, Sequence[EarlierRun]]]
"""Returns the earlier runs of each tenant of a result, by name."""


class Output(Struct, frozen=True, kw_only=True):
    """The files to write by format, and whether to print a summary."""

    files: tuple[tuple[str, Path | None], ...]
    """(format, path); None for stdout."""
    folder: Path
    terminal: bool
    terminal_file: Path | None
    """File for the summary as plain text, instead of the terminal."""
    tenant_files: bool
    """Whether each tenant gets a separate result.json in the folder `tenants`."""
    csv_bom: bool = False
    """Whether findings.csv begins with a UTF-8 byte order mark."""

    @property
    def for_people(self) -> bool:
        """Whether any output is in the language of the reader."""
        has_summary = self.terminal or self.terminal_file is not None
        return has_summary or any(FORMATS[name].localized for name, _ in self.files)

    @property
    def contents(self) -> Contents:
        """What the outputs read of a result."""
        has_summary = self.terminal or self.terminal_file is not None
        return Contents.ACTIONS if has_summary else max(FORMATS[name].reads for name, _ in self.files)

    @property
    def first_file(self) -> Path | None:
        """The first output file, on whose disk temporary files are created; None if there are no output files."""
        return next((path for _, path in self.files if path is not None), None)


def outputs(formats: Sequence[str], folder: Path, *, csv_bom: bool = False) -> Output:
    """Return the outputs that the values of -f name. Raises UsageError as `targets_of` does."""
    files = {name: format_.file for name, format_ in FORMATS.items()}
    targets, terminal = targets_of(formats, files, folder, default=("html", "json"), terminal_file=True)
    return Output(
        files=tuple(target for target in targets if target[0] != TERMINAL),
        folder=folder,
        terminal=terminal,
        terminal_file=next((path for name, path in targets if name == TERMINAL), None),
        tenant_files=("json", folder / FORMATS["json"].file) in targets,
        csv_bom=csv_bom,
    )


def targets_of(
    formats: Sequence[str],
    files: Mapping[str, str],
    folder: Path | None,
    *,
    default: Sequence[str] = (),
    terminal_file: bool = False,
) -> tuple[list[tuple[str, Path | None]], bool]:
    """Return (format, path) pairs, with None as path for stdout, and whether `terminal` is one of the formats.

    `formats` are the values of -f: FORMAT or FORMAT=PATH, several separated by commas. `files` maps each format to its
    default file name in `folder`; without a folder, the default is stdout. Without formats, `default` and `terminal`
    are used. With `terminal_file`, `terminal` may be written to a file. Raises UsageError for an unknown format, for
    paths that cannot be written, and for equal ones.
    """
    requested = [part for text in formats for part in _SEPARATOR.split(text)]
    targets: list[tuple[str, Path | None]] = []
    terminal = not requested
    for text in requested or default:
        name, separator, path = text.partition("=")
        if separator and not path:
            raise UsageError(
                "format-path",
                Message("'{text}' has no path", text=text),
                hint=Message("write {name} or {name2}=PATH", name=name, name2=name),
            )
        if path and descriptor_of(Path(path)) == 1:  # /dev/stdout
            path = STDOUT
        if name == TERMINAL and path in {"", STDOUT}:
            terminal = True
        elif name == TERMINAL and not terminal_file:
            raise UsageError(
                "format-path",
                Message("'{text}': this command prints the format terminal and writes no file of it", text=text),
                hint=Message("write terminal, and redirect the output to a file"),
            )
        elif name == TERMINAL or name in files:
            by_default = None if folder is None or name not in files else folder / files[name]
            targets.append((name, None if path == STDOUT else Path(path) if path else by_default))
        else:
            raise unknown_format(name, files, TERMINAL)
    _check_targets([path for _, path in targets])
    return targets, terminal


def _check_targets(targets: Sequence[Path | None]) -> None:
    """Raise UsageError if paths cannot be written or are equal; None means stdout. Called before the audit."""
    for index, target in enumerate(targets):
        if target is not None:
            _check_target(target)
        if any(_is_same(target, other) for other in targets[:index]):
            raise UsageError(
                "format-path",
                Message("two outputs would be written to {location}", location=target or "stdout"),
                hint=Message("specify a different path for each"),
            )


def _is_same(first: Path | None, second: Path | None) -> bool:
    return first == second or (first is not None and second is not None and first.resolve() == second.resolve())


def _check_target(path: Path) -> None:
    """Raise UsageError if a path cannot be written."""
    try:
        if path.is_dir():
            raise UsageError(
                "format-path",
                Message("{path} is a folder", path=path),
                hint=Message("specify a file in it: {path}", path=path / "report"),
            )
        for folder in path.parents:
            if folder.exists() and not folder.is_dir():
                raise UsageError(
                    "format-path",
                    Message("{folder} is a file, not a folder", folder=folder),
                    hint=Message("choose another path"),
                )
        check_target(path)
    except OSError as error:
        raise UsageError("format-path", unwritable(path, error), hint=Message("choose another path")) from error


@paused_gc()
def write_reports(
    result: Result, content: PageContent, output: Output, *, histories: Histories = lambda _: {}
) -> tuple[Path, ...]:
    """Render and write all outputs; return the paths, without those of individual tenants.

    `content` is the result in the reader's language, for localized formats; other formats use `result`. `histories`
    returns the earlier runs of each tenant, for the pages of individual tenants.
    """
    localized = content.result
    main_page = _main_page(localized, output)
    result_file = output.folder / FORMATS["json"].file
    spans: TenantSpans = {}
    has_sarif = any(name == "sarif" for name, _ in output.files)
    source_paths = repository_paths({policy.source.file for policy in result.run.policies}) if has_sarif else {}

    def artifact(name: str, path: Path | None) -> Iterable[bytes]:
        # The heap keeps the memory that the previous file used, in pieces that the next one does not fill.
        release_arrow_memory()
        if name == "json" and path == result_file:
            return result_json(result, spans)
        return render(
            localized if FORMATS[name].localized else result,
            name,
            locale=content.locale,
            history=content.history,
            byte_order_mark=output.csv_bom,
            tenant_pages=_TENANTS_FOLDER if path is not None and path == main_page else "",
            content=content if FORMATS[name].localized else None,
            source_paths=source_paths,
        )

    # Render the page last, because the data that it derives from the findings stay in memory until the end.
    ordered = sorted(output.files, key=lambda file: FORMATS[file[0]].localized)
    files = ((path, artifact(name, path)) for name, path in ordered if path is not None)
    names = [tenant.name for tenant in result.tenants] if output.tenant_files else []
    targets = [tenant_file(output.folder, name, "json") for name in names]
    tenant_files = (
        (target, _tenant_pieces(result, name, result_file, spans)) for target, name in zip(targets, names, strict=True)
    )
    pages = _tenant_pages(localized, main_page, content.locale, histories)
    write_all(chain(files, tenant_files, pages), sources=(result_file,) if names else ())
    for name, path in output.files:
        if path is None:
            write_document(artifact(name, path), name)
    return tuple(path for _, path in output.files if path is not None)


def _tenant_pieces(result: Result, name: str, result_file: Path, spans: TenantSpans) -> Pieces:
    """Return the file of a tenant; its JSON object is copied from result.json if that was written."""
    span = spans.get(name)
    if span is None:
        return tenant_json(result, name)
    before, after = tenant_frame(result, name)
    return before, FilePart(result_file, *span), after


def _main_page(result: Result, output: Output) -> Path | None:
    """Return the path of the HTML page if it does not have a section for every tenant; each then has its own page."""
    if len(result.tenants) <= MAX_SECTIONS:
        return None
    return next((path for name, path in output.files if name == "html" and path is not None), None)


def _tenant_pages(
    result: Result, main_page: Path | None, locale: str, histories: Histories
) -> Iterator[tuple[ChildFile, Iterable[bytes]]]:
    """Yield a page for each tenant, if the main page does not have a section for every tenant."""
    if main_page is None:
        return
    from auditor.app.recipients.portion import own_waivers  # noqa: PLC0415  only for large fleets

    runs_by_tenant, titles = histories(result), tenant_titles(result.tenants)
    for tenant in result.tenants:
        tenant_result = own_waivers(single_tenant(result, tenant.name))
        titled = replace(tenant_result.tenants[0], display_name=titles[tenant.name])  # as on the page of the fleet
        tenant_result = replace(tenant_result, tenants=(titled,))
        page = render(tenant_result, "html", locale=locale, history=runs_by_tenant.get(tenant.name, ()))
        yield tenant_file(main_page.parent, tenant.name, "html"), page
        gc.collect(0)  # the template engine creates reference cycles


def earlier_tenant_files(result: Result, output: Output) -> Iterator[Path]:
    """Yield the files of individual tenants in the output folder that a run with this result does not write."""
    names = {tenant.name for tenant in result.tenants}
    page = next((path for name, path in output.files if name == "html" and path is not None), None)
    folders = ((output.folder if output.tenant_files else None, "json"), (page and page.parent, "html"))
    for folder, suffix in folders:
        written = set() if suffix == "html" and _main_page(result, output) is None else names
        found = [] if folder is None else sorted((folder / _TENANTS_FOLDER).glob(f"*.{suffix}"))
        yield from (path for path in found if path.stem not in written)


def earlier_files_warning(paths: Iterable[Path]) -> Iterator[Diagnostic]:
    """Yield a warning if there are files of an earlier run, which somebody could take for those of this run."""
    texts = list(map(str, paths))
    if texts:
        shown = ", ".join(truncated(texts, _MAX_EARLIER_FILES))
        yield Diagnostic(
            slug="files-earlier-run",
            message=Message("files that this run did not write are still in the output folder: {paths}", paths=shown),
            hint=Message("remove them if they are of an earlier run, or choose another --output folder"),
            level=Level.WARNING,
        )


def tenant_file(folder: Path, tenant: str, suffix: str) -> ChildFile:
    """Return the path of a file of an individual tenant. Raises SnapshotError for an invalid tenant name."""
    return ChildFile(folder, (_TENANTS_FOLDER, f"{tenant_name(tenant)}.{suffix}"))
