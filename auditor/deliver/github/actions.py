"""Writes job summaries, annotations and outputs of GitHub Actions."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Final

from msgspec import Struct

from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message
from auditor.files.output import append_file

SUMMARY_LIMIT: Final = 1_000_000
"""Bytes of one step's summary; GitHub drops a summary of more than 1 MiB."""
MAX_ANNOTATIONS: Final = 10
"""Annotations of one type that GitHub shows per step."""
_MAX_TEXT: Final = 1_000
"""Maximum characters of an annotation; the report has the details."""


class AnnotationType(StrEnum):
    """The three types of annotation, most urgent first."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Annotation(Struct, frozen=True, kw_only=True):
    """A message, optionally at a line of a file."""

    type: AnnotationType
    title: str
    message: str
    file: str | None = None
    """Path relative to the root of the repository."""
    line: int = 1


def annotation_lines(annotations: Sequence[Annotation], rest: Callable[[int], Annotation]) -> Iterator[str]:
    """Yield workflow commands for the first ten annotations of each type, then `rest` of the number of omitted ones."""
    shown: list[Annotation] = []
    order = list(AnnotationType)
    ordered = sorted(annotations, key=lambda annotation: order.index(annotation.type))
    for kind, group in groupby(ordered, key=lambda annotation: annotation.type):
        # The notice with the number of omitted annotations is one of the ten.
        limit = (
            MAX_ANNOTATIONS - 1
            if kind is AnnotationType.NOTICE and len(annotations) > MAX_ANNOTATIONS - 1
            else MAX_ANNOTATIONS
        )
        shown += list(group)[:limit]
    yield from map(_command, shown)
    if len(shown) < len(annotations):
        yield _command(rest(len(annotations) - len(shown)))


def append_summary(path: Path, text: str, *, notice: str) -> None:
    """Append Markdown to the step's summary; beyond the limit it is truncated at a line end, and `notice` is appended.

    Raises DeliveryError if the file cannot be written.
    """
    try:
        size = path.stat().st_size if path.exists() else 0
        append_file(path, truncated_lines(text, SUMMARY_LIMIT - size, notice=notice))
    except OSError as error:
        raise _unwritable("GITHUB_STEP_SUMMARY", path, error) from error


def truncated_lines(text: str, limit: int, *, notice: str) -> bytes:
    """Return the complete lines that fit into `limit` bytes, followed by a notice if some do not."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return encoded
    lines_kept: list[str] = []
    size = 0
    end = f"\n\n{notice}\n"
    reserved = len(end.encode()) + len("\n</details>\n")
    for line in text.splitlines(keepends=True):
        size += len(line.encode("utf-8", "replace"))
        if size + reserved > limit:
            break
        lines_kept.append(line)
    body = "".join(lines_kept)
    closing = "\n</details>\n" if body.count("<details>") > body.count("</details>") else ""
    truncated = f"{body}{closing}{end}".encode("utf-8", "replace")
    return truncated if len(truncated) <= limit else b""


def append_outputs(path: Path, outputs: Mapping[str, str]) -> None:
    """Append outputs of the step, each between random delimiters, so that no value can set another."""
    lines: list[str] = []
    for name, value in outputs.items():
        delimiter = f"auditor-{secrets.token_hex(16)}"
        lines += [f"{name}<<{delimiter}", value, delimiter]
    try:
        append_file(path, "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
    except OSError as error:
        raise _unwritable("GITHUB_OUTPUT", path, error) from error


def _command(annotation: Annotation) -> str:
    title = _property(annotation.title)
    location = "" if annotation.file is None else f"file={_property(annotation.file)},line={annotation.line},"
    message = annotation.message if len(annotation.message) <= _MAX_TEXT else f"{annotation.message[: _MAX_TEXT - 1]}…"
    return f"::{annotation.type} {location}title={title}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _unwritable(variable: str, path: Path, error: OSError) -> DeliveryError:
    return DeliveryError(
        "github-unwritable",
        Message(
            "{path}, the value of {variable}, cannot be written: {strerror}",
            path=path,
            variable=variable,
            strerror=error.strerror,
        ),
        hint=Message("unset GITHUB_ACTIONS outside of GitHub; in a container job, mount the runner's files"),
    )
