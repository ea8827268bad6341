"""Handles U+0085, U+2028 and U+2029: line breaks in YAML 1.1, hence to the parser, but not in YAML 1.2.

The parser is given private characters in their place, and the results get the original ones back.
"""

from collections.abc import Iterator
from itertools import chain

import yaml as pyyaml

_BREAKS = "\x85\u2028\u2029"


def stand_ins(text: str) -> dict[int, str]:
    """Return a private character for each such break in the text, for `str.translate`."""
    present = [sign for sign in _BREAKS if sign in text]
    used = set(text) if present else set()
    # Their number is beyond what a file of the greatest size can hold besides anything else.
    free = (chr(code) for code in chain(range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE)) if chr(code) not in used)
    return {ord(sign): other for sign, other in zip(present, free, strict=False)}


def restored(root: pyyaml.Node | None, stand_ins: dict[int, str]) -> pyyaml.Node | None:
    """Put the original characters back into the values and tags of all nodes."""
    back = {ord(other): sign for sign, other in stand_ins.items()}
    for node in _nodes(root) if back else ():
        node.tag = node.tag.translate(back)
        if isinstance(node, pyyaml.ScalarNode):
            node.value = node.value.translate(back)
    return root


def _nodes(root: pyyaml.Node | None) -> Iterator[pyyaml.Node]:
    """Yield every node once, including those shared by aliases."""
    waiting = [] if root is None else [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, pyyaml.MappingNode):
            waiting.extend(part for pair in node.value for part in pair)
        elif isinstance(node, pyyaml.SequenceNode):
            waiting.extend(node.value)
