"""Decodes a YAML 1.2 file to text; rejects other encodings and characters that YAML forbids.

U+0085, U+2028 and U+2029 are line breaks in YAML 1.1, which the parser implements, but not in YAML 1.2. They are
replaced by private-use characters before parsing, and restored in the results.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

import yaml as pyyaml

from auditor.domain.errors import Span
from auditor.domain.message import Message
from auditor.policy.yaml.messages import mistake

_SURROGATE: Final = re.compile(r"\\u[dD][89abAB]")
_ESCAPE: Final = re.compile(r"(?i)\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)")
"""An escape in JSON: a surrogate pair, or any other."""
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_BOM: Final = "\ufeff"
_FORBIDDEN: Final = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
"""The characters that YAML 1.2 forbids."""
_LINE_BREAKS: Final = "\x85\u2028\u2029"


def decode(text: bytes | str, file: str) -> str:
    """Return the text without its byte order mark; raises InputError for a wrong encoding or a forbidden character."""
    checked = (_utf8(text, file) if isinstance(text, bytes) else text).removeprefix(_BOM)
    # Printable characters are allowed; the pattern for the rest takes longer to compile than most files to parse.
    printable = checked.replace("\n", "").isprintable()
    if not printable and (match := re.search(_FORBIDDEN, checked)):
        code = f"{ord(match[0]):04X}"
        hint = Message('leave it out, or write it as "\\u{code}" in double quotes', code=code)
        raise mistake(
            "yaml-character",
            Message("the character U+{code} is not allowed", code=code),
            _end_of(file, checked[: match.start()]),
            hint,
        )
    return checked


def join_surrogates(text: str) -> str:
    r"""Return JSON with escaped surrogate pairs replaced by escapes of YAML, `\U0001f600`.

    JSON is YAML, but programs escape characters beyond U+FFFF as surrogate pairs, which YAML does not allow.
    """
    if not _SURROGATE.search(text):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return _ESCAPE.sub(_join_pair, text)


def _join_pair(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[0]
    return f"\\U{0x10000 + ((int(escape[1], 16) - 0xD800) << 10) + int(escape[2], 16) - 0xDC00:08x}"


def _utf8(text: bytes, file: str) -> str:
    start = Span(file=file, line=1, column=1)
    if text.startswith(_UTF16) or (b"\0" in text[:4] and text[:4].strip(b"\0")):
        raise mistake(
            "yaml-encoding", Message("the file is UTF-16 or UTF-32, not UTF-8"), start, Message("save it as UTF-8")
        )
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8").removeprefix(_BOM)
        message = Message("byte 0x{text} is not UTF-8", text=f"{text[error.start]:02x}")
        raise mistake("yaml-encoding", message, _end_of(file, before), Message("save the file as UTF-8")) from None


def _end_of(file: str, before: str) -> Span:
    """Return the position after `before`."""
    lines = re.split("\r\n|\r|\n", before)
    return Span(file=file, line=len(lines), column=len(lines[-1]) + 1, text=lines[-1])


def placeholders(text: str) -> dict[int, str]:
    """Return a private-use character for each of these line breaks in the text, for `str.translate`."""
    present = [char for char in _LINE_BREAKS if char in text]
    used = set(text) if present else set()
    # There are more private-use characters than a file of the maximum size can contain.
    unused = (chr(code) for code in chain(range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE)) if chr(code) not in used)
    return {ord(char): placeholder for char, placeholder in zip(present, unused, strict=False)}


def restore(root: pyyaml.Node | None, placeholders: dict[int, str]) -> pyyaml.Node | None:
    """Restore the original characters in the values and tags of all nodes."""
    originals = {ord(placeholder): char for char, placeholder in placeholders.items()}
    for node in _nodes(root) if originals else ():
        node.tag = node.tag.translate(originals)
        if isinstance(node, pyyaml.ScalarNode):
            node.value = node.value.translate(originals)
    return root


def _nodes(root: pyyaml.Node | None) -> Iterator[pyyaml.Node]:
    """Yield every node once, including those shared by aliases."""
    stack = [] if root is None else [root]
    visited: set[int] = set()
    while stack:
        node = stack.pop()
        if id(node) in visited:
            continue
        visited.add(id(node))
        yield node
        if isinstance(node, pyyaml.MappingNode):
            stack.extend(part for pair in node.value for part in pair)
        elif isinstance(node, pyyaml.SequenceNode):
            stack.extend(node.value)
