"""Explains the errors of the YAML parser: what is wrong, and what to write instead."""

import json
import re
from typing import Final

import yaml as pyyaml
from msgspec.structs import replace

from auditor.domain.errors import Diagnostic, InputError, Span
from auditor.domain.message import Message

_MAX_QUOTED: Final = 40
_Explanation = tuple[Message, Message | None]


def at(file: str, lines: tuple[str, ...], *, line: int, column: int, end: int | None = None) -> Span:
    """Return the span of a line and columns counted from 0; a position after the end of the text becomes the end."""
    if lines and line >= len(lines):
        line, column, end = len(lines) - 1, len(lines[-1]), None
    return Span(
        file=file,
        line=line + 1,
        column=column + 1,
        end_column=None if end is None else end + 1,
        text=lines[line] if line < len(lines) else "",
    )


def mistake(slug: str, message: Message, span: Span, hint: Message | None = None) -> InputError:
    """Return the error for one mistake in a file."""
    return InputError([Diagnostic(slug=slug, message=message, span=span, hint=hint)])


def quoted(text: str) -> str:
    """Return the text in quotes, truncated."""
    return f"'{text}'" if len(text) <= _MAX_QUOTED else f"'{text[: _MAX_QUOTED - 1]}…'"


def value_description(value: object) -> Message:
    """Return a description of a value: its kind, with the value itself for texts and numbers."""
    match value:
        case None | bool():
            return Message(json.dumps(value))
        case int() | float():
            return Message("the number {value}", value=value)
        case str():
            return Message("the text {value}", value=quoted(value)) if value else Message("an empty text")
        case []:
            return Message("an empty list")
        case list():
            return Message("a list")
        case {}:
            return Message("a mapping") if value else Message("an empty mapping")
        case _:
            raise TypeError(value)


PRICE_FORMAT: Final = Message("write 35.70, without currency, spaces or thousands separators")


def key_hint(text: str, before: str) -> Message:
    """Return the hint for a key that is no text; `before` is what precedes it in its line."""
    if re.search("[0-9],$", before) and text.isdecimal():  # `{SPE_E3: 35,70}` has a key 70
        return PRICE_FORMAT
    return (
        Message("write '{value}' in quotes", value=text) if text else Message("a value with braces in it needs quotes")
    )


def syntax(error: pyyaml.MarkedYAMLError, *, file: str, lines: tuple[str, ...]) -> Diagnostic:
    """Return the diagnostic for an error of the parser."""
    mark, opened = error.problem_mark, error.context_mark
    if mark is None:
        raise error
    if conflict := _conflict(file, lines):
        return conflict
    span = at(file, lines, line=mark.line, column=mark.column)
    start = span if opened is None else at(file, lines, line=opened.line, column=opened.column)
    ended = error.problem == "did not find expected <document start>" and _follows_document_end(span, lines)
    if error.context == "expected a single document in the stream" or ended:
        sign = "..." if ended else "---"
        return Diagnostic(
            slug="yaml-several-documents",
            message=Message("a second document begins here"),
            span=span,
            hint=Message("a file has one document: remove the '{sign}' or split the file", sign=sign),
        )
    if error.problem in _REPORTED_AT_START or _is_unclosed(error.problem, span, start, lines):
        span = start
    key = _unspaced_key(error.problem, span, lines) or _continued_value(error.problem, span, lines)
    if key is None:
        message, hint = _explanation(error, span, start)
        key = Diagnostic(slug="yaml-syntax", message=message, span=span, hint=hint)
    hint = _non_breaking_space(span.line, lines) or key.hint
    return replace(key, hint=hint)


def _is_unclosed(problem: str | None, span: Span, start: Span, lines: tuple[str, ...]) -> bool:
    """Return whether a bracket is not closed: a later line, which is not indented further, continues its content."""
    later, opening = span.text, lines[start.line - 1]
    indented = len(later) - len(later.lstrip()) > len(opening) - len(opening.lstrip())
    return problem in _UNCLOSED and span.line > start.line and not indented


_UNCLOSED: Final = {"did not find expected ',' or ']'", "did not find expected ',' or '}'"}


def _conflict(file: str, lines: tuple[str, ...]) -> Diagnostic | None:
    """Return the diagnostic for the first marker of a merge conflict; None without one."""
    number = next((number for number, line in enumerate(lines) if _CONFLICT.match(line)), None)
    if number is None:
        return None
    return Diagnostic(
        slug="yaml-syntax",
        message=Message("the line is a marker of a merge conflict"),
        span=at(file, lines, line=number, column=0, end=len(lines[number])),
        hint=Message("keep one side of the conflict, and remove the lines with markers"),
    )


_CONFLICT: Final = re.compile(r"([<|=>])\1{6}(?: |$)")


def _follows_document_end(span: Span, lines: tuple[str, ...]) -> bool:
    """Return whether `...`, which ends a document, precedes a position."""
    above = (line.partition("#")[0].strip() for line in reversed(lines[: span.line - 1]))
    return span.text.startswith("... ") or next(filter(None, above), "") == "..."


def _unspaced_key(problem: str | None, span: Span, lines: tuple[str, ...]) -> Diagnostic | None:
    """Return the diagnostic for a line such as `name:contoso`; None if that is not the mistake.

    Such a line is a text. If it is not the first of a mapping, the parser reports it; else the next line continues the
    text, and the parser only reports the `:` there.
    """
    number = span.line - 1
    if problem == "mapping values are not allowed in this context" and ":" not in span.text[: span.column - 1]:
        number = next((above for above in range(number - 1, -1, -1) if lines[above].strip()), number)
    elif problem != "could not find expected ':'":
        return None
    match = _UNSPACED_KEY.match(lines[number]) if number < len(lines) else None
    if match is None:
        return None
    start, end = match.span("key")
    return Diagnostic(
        slug="yaml-syntax",
        message=Message("there is no space after the ':' of the key {key}", key=quoted(match["key"])),
        span=at(span.file, lines, line=number, column=start, end=end + 1),
        hint=_SPACE,
    )


def _continued_value(problem: str | None, span: Span, lines: tuple[str, ...]) -> Diagnostic | None:
    """Return the diagnostic for a key that continues the text above it; None if that is not the mistake."""
    before, number = span.text[: span.column - 1], span.line - 1
    if problem != "mapping values are not allowed in this context" or ":" in before:
        return None
    number = next((above for above in range(number - 1, -1, -1) if lines[above].strip()), number)
    if _KEY_AND_VALUE.match(lines[number]):
        message = Message("the line is indented further than line {line}, which has its value already", line=number + 1)
        hint: Message = _INDENT
    elif _WORDS.fullmatch(lines[number]) and number < span.line - 1:
        message = Message("line {line} has no key with a ':', so that this line continues its text", line=number + 1)
        hint = Message("write 'key: value' on line {line}, or indent this line as the keys above it", line=number + 1)
    else:
        return None
    start = len(before) - len(before.lstrip())
    span = at(span.file, lines, line=span.line - 1, column=start, end=span.column)
    return Diagnostic(slug="yaml-syntax", message=message, span=span, hint=hint)


_KEY_AND_VALUE: Final = re.compile(r"\s*(?:- +)*[A-Za-z_][\w-]*: +[^\s#]")
_WORDS: Final = re.compile(r"\s*(?:- +)*[A-Za-z_][\w-]*(?: +[^\s:#]+)*\s*")
_UNSPACED_KEY: Final = re.compile(r"\s*(?:- +)*(?P<key>[A-Za-z_][\w-]*):(?![\s/]).")
"""A key of a block mapping directly followed by its value; `https://host` is none."""
_SPACE: Final = Message("write a space after the ':' of a key, and put a value that contains ':' in quotes")
_REPORTED_AT_START: Final = {
    "did not find expected alphabetic or numeric character",
    "found unexpected end of stream",
    "could not find expected ':'",
}
"""Problems that the parser detects long after the position of the mistake; they are reported at its start."""


def _non_breaking_space(line: int, lines: tuple[str, ...]) -> Message | None:
    """Return the hint about a non-breaking space in a line, counted from 1, or in the one above; None without one."""
    for number in (line, line - 1):
        column = lines[number - 1].find(_NON_BREAKING_SPACE) + 1 if 0 < number <= len(lines) else 0
        if column:
            facts = {"line": number, "column": column}
            return Message("replace the non-breaking space in column {column} of line {line} with a space", **facts)
    return None


_NON_BREAKING_SPACE: Final = "\u00a0"
"""Text that is copied from a document or a chat may have it in place of a space."""
_QUOTE: Final = Message("put the value in quotes")
_INDENT: Final = Message("use the same indentation for all keys of a mapping, and for all items of a list")
_BACKSLASH: Final = (
    Message("a backslash is before a character that it cannot escape"),
    Message("use single quotes, in which a backslash is an ordinary character"),
)
_TAB: Final = (Message("a tab indents the line"), Message("YAML is indented with spaces"))
_EXPLANATIONS: Final[dict[str, _Explanation]] = {
    "found a tab character that violates indentation": _TAB,
    "found a tab character where an indentation space is expected": _TAB,
    "block sequence entries are not allowed in this context": (
        Message("a list cannot begin on the line of its key"),
        Message("begin it on the next line, or write it in brackets: [a, b]"),
    ),
    "found unexpected ':'": (Message("a ':' appears where no key is allowed"), _SPACE),
    "did not find expected <document start>": (
        Message("this text comes after the end of the value"),
        Message("remove the extra bracket or line"),
    ),
    "mapping values are not allowed in this context": (
        Message("a ':' appears where no key is allowed"),
        Message("put a value that contains ': ' in quotes; {indent}", indent=_INDENT),
    ),
    "found unexpected end of stream": (
        Message("the quote that opens here is never closed"),
        Message("write the same quote at the end of the value"),
    ),
    "could not find expected ':'": (
        Message("the line is neither a value nor a key with a ':' after it"),
        Message("write 'key: value', or indent the line further than the key whose value it continues"),
    ),
    "found unknown escape character": _BACKSLASH,
    "did not find expected hexdecimal number": _BACKSLASH,
    "found invalid Unicode character escape code": (
        Message("the escape is not a character"),
        Message("write the character itself, or \\U with eight digits"),
    ),
    "did not find expected node content": (
        Message("a value is missing"),
        Message("write a value, or remove the extra character"),
    ),
    "did not find expected key": (Message("the line does not fit the lines above it"), _INDENT),
    "did not find expected '-' indicator": (Message("the line does not fit the list above it"), _INDENT),
    "second occurrence": (Message("the anchor is defined twice"), Message("give every anchor its own name")),
    "found unknown directive name": (Message("the directive is not known"), Message("leave the line out")),
}


def _explanation(error: pyyaml.MarkedYAMLError, span: Span, start: Span) -> _Explanation:
    rest = span.text[span.column - 1 :]
    word = quoted(rest.split()[0].rstrip(",]}")) if rest.strip() else Message("the end of the line")
    match error.problem:
        case "found character that cannot start any token" if rest.startswith("\t"):
            return _TAB
        case "did not find expected key" if rest.startswith("- "):
            return (
                Message("the line does not fit the lines above it"),
                Message("remove [] above the first item of a list; {indent}", indent=_INDENT),
            )
        case "did not find expected key" if rest[:1] in {"]", "}"}:
            return _EXPLANATIONS["did not find expected <document start>"]
        case "found character that cannot start any token":
            return Message("a value cannot begin with '{rest}'", rest=rest[:1]), _QUOTE
        case "did not find expected alphabetic or numeric character":
            return (
                Message("'{rest}' must be followed by a name or be in quotes", rest=rest[:1]),
                Message("write '{rest}' in quotes if it is part of the value", rest=rest[:1]),
            )
        case "did not find expected key" if span.text[: span.column - 1].rstrip().endswith(("'", '"')):
            return (
                Message("unexpected text after the closing quote"),
                Message("put the whole value in quotes; inside single quotes write ' twice: 'it''s'"),
            )
        case "did not find expected key" if span.text[: span.column - 1].rstrip().endswith(("]", "}")):
            return Message("unexpected text after the closing bracket"), _QUOTE
        case "could not find expected ':'" if re.match("-[^ -]", rest):
            return Message("there is no space after the '-' of an item"), Message("write a space after the '-'")
        case "found undefined alias":
            return Message("{word} refers to an anchor that is not defined above", word=word), Message(
                "put it in quotes if it is a glob"
            )
        case str() as problem if problem in _UNCLOSED:
            close = problem[-2]
            return (
                Message(
                    "the '[' on line {line} has no closing '{close}', or a ',' is missing", line=start.line, close=close
                )
                if close == "]"
                else Message(
                    "the '{' on line {line} has no closing '{close}', or a ',' is missing", line=start.line, close=close
                )
            ), _closing_hint("" if span == start else rest, close, same_line=span.line == start.line)
        case str() as problem:
            context = f"{error.context}: " if error.context else ""
            return _EXPLANATIONS.get(problem, (Message(f"{context}{problem}"), None))
        case _:
            return Message("the text is not YAML"), None


_KEY: Final = re.compile(r"([A-Za-z]\w*):(?:\s|$)")
"""Matches a key at the beginning of a text."""


def _closing_hint(rest: str, close: str, *, same_line: bool) -> Message | None:
    """Return a hint about a bracket that is not closed; `rest` is the text from where the closing one is expected."""
    if not rest or rest[0] in "]}":
        if close == "]":
            return Message("close the list with ']'")
        return Message("close the mapping with '}'")
    if key := _KEY.match(rest):
        return Message("write a ',' before '{key}'", key=key[1])
    # The rest of the line is mostly part of a value with a colon or brackets.
    return _QUOTE if rest.strip() and same_line else None
