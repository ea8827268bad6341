"""Every message has a section in docs/messages.md that says what it means and how to fix it."""

import ast
import re
from collections import Counter
from functools import cache

import pytest

from auditor.graph.errors import GraphErrorKind
from tests.package.slugs import constants, own_takers, takers, written
from tests.package.tree import ROOT, modules

MADE_AT_RUN_TIME = {
    # Held by tests/schemas/test_schemas.py: one slug for each kind of structural mistake.
    "auditor/policy/schema/check.py": 1,
    # `policy-unknown-` and the kind of a mention, below.
    "auditor/app/policies/validation.py": 1,
    # What a worker of the cluster says, with the slug of the error that it met there.
    "auditor/spark/evaluation.py": 1,
    # The slug of the settings error that a credential raised.
    "auditor/graph/auth/credentials.py": 1,
}
"""Calls whose slug is no literal, by file; each has a test of its own."""

SECTION = re.compile(r"^### ([a-z0-9-]+)$", re.MULTILINE)
PAGE = ROOT / "docs" / "messages.md"


@cache
def used() -> tuple[dict[str, str], Counter[str]]:
    """Return each literal slug with a place where it is used, and how many are made at run time, by file."""
    trees = dict(modules())
    known, public = constants(trees), takers(trees)
    literal: dict[str, str] = {}
    made: Counter[str] = Counter()
    for name, tree in trees.items():
        for line, slug in written(tree, {**public, **own_takers(tree)}, known):
            if slug is None:
                made[name] += 1
            else:
                literal.setdefault(slug, f"{name}:{line}")
    return literal, made


def sections() -> list[str]:
    return SECTION.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_every_slug_in_the_code_has_a_section() -> None:
    literal, _ = used()
    assert len(literal) > 40, "the search found too little to be right"
    kinds = {kind.value: "auditor/graph/errors.py" for kind in GraphErrorKind}
    kinds_of_names = ("policy-unknown-product", "policy-unknown-service", "policy-unknown-role")
    mentions = dict.fromkeys(kinds_of_names, "auditor/app/policies/validation.py")
    wanted = {**literal, **kinds, **mentions}
    assert {slug: location for slug, location in wanted.items() if slug not in set(sections())} == {}


@pytest.mark.slow
def test_slugs_that_are_no_literals_are_known() -> None:
    _, made = used()
    assert dict(made) == MADE_AT_RUN_TIME


def test_no_section_stands_twice_or_says_nothing() -> None:
    assert [slug for slug, count in Counter(sections()).items() if count > 1] == []
    bodies = SECTION.split(PAGE.read_text(encoding="utf-8"))[2::2]
    assert [body for body in bodies if len(body.split()) < 8] == []


def test_the_search_finds_a_slug_however_it_is_given() -> None:
    tree = ast.parse(
        "NAMED = 'by-name'\n"
        "class OwnError(AuditorError): pass\n"
        "def wrong(self, text, slug): raise OwnError(slug, text)\n"
        "raise OwnError('direct', 'x')\n"
        "wrong('x', slug='keyword')\n"
        "wrong('x', NAMED)\n"
        "wrong('x', f'{a}-b')\n"
    )
    trees = {"own.py": tree}
    found = {slug for _, slug in written(tree, takers(trees), constants(trees))}
    assert found == {"direct", "keyword", "by-name", None}
