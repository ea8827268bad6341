"""Parses policy files, checks them against the schema, and returns the roots of their valid parts."""

import hashlib
import json
from collections.abc import Iterable

from auditor.domain.errors import Diagnostic, InputError
from auditor.policy.nodes import Node
from auditor.policy.schema.check import structure_mistakes
from auditor.policy.schema.recovery import Gaps, recover
from auditor.policy.yaml.reader import Document, parse


def read_documents(
    files: Iterable[tuple[str, bytes]], gaps: Gaps, *, schema_checked: bool, limit_size: bool
) -> tuple[list[Document], list[Node], list[Diagnostic]]:
    """Parse the files; the valid parts of a file with structural errors are still checked for errors of meaning.

    With `schema_checked`, the files are known to fit the schema. Returns the documents, their roots and the mistakes.
    """
    documents: list[Document] = []
    roots: list[Node] = []
    diagnostics: list[Diagnostic] = []
    for name, text in files:
        try:
            document = parse(text, file=name, limit_size=limit_size)
        except InputError as error:
            diagnostics.extend(error.diagnostics)
            gaps.anything = True
            continue
        root, mistakes = root_of(document, gaps, schema_checked=schema_checked)
        diagnostics.extend(mistakes)
        if root is not None:
            documents.append(document)
            roots.append(root)
    return documents, roots, diagnostics


def root_of(
    document: Document, gaps: Gaps, *, schema_checked: bool = False
) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """Return the root of the valid parts of a document, None if there are none, and the mistakes in its structure."""
    mistakes, paths = ((), ()) if schema_checked else structure_mistakes(document, "policy")
    value = recover(document.value, paths, gaps) if mistakes else document.value
    return None if value is None else Node(document, (), value), mistakes


def digest_of(documents: Iterable[Document]) -> str:
    """Return `sha256:` over the values of the documents; their order, names, comments and layout do not matter."""
    texts = sorted(json.dumps(document.value, sort_keys=True, ensure_ascii=False) for document in documents)
    return "sha256:" + hashlib.sha256("\n".join(texts).encode()).hexdigest()
