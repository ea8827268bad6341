"""Extracts the numbers of seats to buy or to remove from result, page, mail and plan, by product."""

import re
from collections.abc import Iterable, Iterator

from auditor.domain.actions.action import Action
from auditor.domain.result.model import Result
from auditor.localization import localization
from auditor.remedy.planner.model import FleetPlan
from auditor.render.mail.message import mail_views, render_mail
from auditor.render.mail.view import Reader
from auditor.render.plan.markdown import plan_markdown
from auditor.render.text.labels import Labels
from auditor.render.view.page import page

_BUY = re.compile(r"(?:[Ff]ree or buy|buy) ([0-9,]+)(?: seats?(?: of ([^.,;<(*\n]+))?)?")
_REMOVE = re.compile(r"(?:Remove|remove) ([0-9,]+) seats?(?: of ([^.,;<(*\n]+?))?(?: at the renewal|$|[.,;<(*\n])")
_MISSING = re.compile(r"([0-9,]+) seats? of (.+?) (?:is|are) missing once")


def named(actions: Iterable[Action]) -> Iterator[tuple[str, int]]:
    """Yield (product, number) from all texts of actions; the number is above zero to buy, below zero to remove."""
    for action in actions:
        for text in (action.title, *action.prerequisites, *action.warnings, *action.steps):
            yield from of_text(text)


def of_text(text: str) -> Iterator[tuple[str, int]]:
    """Yield (product, number) of seats to buy or to remove in a text; the product is empty if none is named."""
    for form, sign in ((_BUY, 1), (_REMOVE, -1), (_MISSING, 1)):
        for number, product in form.findall(text):
            yield product.strip(), sign * int(number.replace(",", ""))


def of_result(result: Result) -> dict[str, set[int]]:
    """Return the numbers in the actions of the first tenant, by product."""
    return _by_product(named(result.tenants[0].actions))


def of_plan(plan: FleetPlan) -> dict[str, set[int]]:
    """Return the numbers in the plan of the first tenant and in its Markdown, by product."""
    numbers = _by_product(named(plan.tenants[0].actions))
    for line in plan_markdown(plan, l10n=localization("en")).decode().replace("\\", "").splitlines():
        for product, number in of_text(line):
            numbers.setdefault(product, set()).add(number)
    return numbers


def of_page(result: Result) -> dict[str, set[int]]:
    """Return the numbers that page and mail show for products, in seats, steps, lines and evidence."""
    l10n = Labels("en")
    view, mail = page(result, l10n), next(mail_views(result, Reader(locale="en"), l10n))
    numbers: dict[str, set[int]] = {}
    for section in view.sections:
        for row in section.seats:
            for _, number in of_text(row.advice):
                numbers.setdefault(row.name, set()).add(number)
        texts = [step.action.title for step in section.actions]
        texts += [line.text for line in section.changes]
        texts += [f"{row.problem} {row.evidence}" for group in section.groups for row in group.rows]
        for text in texts:
            for product, number in of_text(text):
                numbers.setdefault(product, set()).add(number)
    for line in mail.seats:
        for _, number in of_text(line.advice):
            numbers.setdefault(line.name, set()).add(number)
    for act in mail.actions:
        for product, number in of_text(act.title):
            numbers.setdefault(product, set()).add(number)
    return numbers


def of_mail(result: Result) -> dict[str, set[int]]:
    """Return the numbers in the text of a mail, by product."""
    text = render_mail(result, Reader(locale="en")).text
    return _by_product(pair for pair in of_text(text) if pair[0])


def _by_product(pairs: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    numbers: dict[str, set[int]] = {}
    for product, number in pairs:
        numbers.setdefault(product, set()).add(number)
    return numbers
