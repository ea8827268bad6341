"""Writes the part of a plan that each owner of policies decides about: approvals.csv and a page of their own."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from auditor.app.plan.approvals import approvals_csv, questions_by_action
from auditor.app.plan.owner_index import APPROVALS, INDEX, PAGE, OwnerFiles, OwnerIndex
from auditor.app.policy_files import free_id
from auditor.deliver.report_folder import ChildFile
from auditor.domain.actions.action import Action
from auditor.domain.policy.decision import Question
from auditor.domain.result.finding import Finding
from auditor.files.names import tenant_name
from auditor.localization import Localization
from auditor.remedy.markup import without_markup
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from auditor.remedy.planner.text.outline_text import named
from auditor.remedy.planner.text.question_text import commented_answers, sentence
from auditor.render.text.static_page import Section, text_page
from auditor.result.codec.encoder import document, members

FOLDER: Final = "owners"
NOBODY: Final = "no-owner"
"""The folder of actions whose policies have no owner."""
_UNSAFE: Final = re.compile(r"[^a-z0-9@._+-]+")
_LONGEST: Final = 100
_PEOPLE: Final = 50
"""Names of an action on the page."""


def owner_documents(root: Path, plan: FleetPlan, l10n: Localization) -> Iterator[tuple[ChildFile, bytes]]:
    """Yield for each owner, below `root/owners/`, approvals.csv and actions.html of the tenants with actions of theirs.

    An action of several owners is in the files of each; one without an owner, and a question without an action, is in
    `no-owner`. Files of several tenants are in a folder for each. A list of all of them is in `owners.json`.
    """
    numbers = {tenant.name: owned_actions(tenant) for tenant in plan.tenants}
    owners = dict.fromkeys(owner for own in numbers.values() for owner in own)
    folders = _folders(owners)
    listed: list[OwnerFiles] = []
    for owner in owners:
        for tenant in plan.tenants:
            own = numbers[tenant.name].get(owner)
            if not own:
                continue
            names = (folders[owner], *((tenant_name(tenant.name),) if len(plan.tenants) > 1 else ()))
            listed.append(OwnerFiles(owner=owner, tenant=tenant.name, tenant_id=tenant.tenant_id, names=names))
            yield ChildFile(root, (FOLDER, *names, APPROVALS)), approvals_csv(tenant, l10n, own)
            yield ChildFile(root, (FOLDER, *names, PAGE)), _page(owner, tenant, own, plan.as_of, l10n)
    index = OwnerIndex(as_of=datetime.fromisoformat(plan.as_of), files=tuple(listed))
    yield ChildFile(root, (FOLDER, INDEX)), document(members(index))


def owned_actions(tenant: TenantPlan) -> Mapping[str, frozenset[int]]:
    """Return the numbers of the actions of each owner, by address in small letters; empty for no owner.

    The number 0 stands for questions about findings without an action.
    """
    numbers_of: dict[str, set[int]] = {}
    for number, action in enumerate(tenant.actions, start=1):
        for owner in dict.fromkeys(action.owner.casefold().split(", ")):
            numbers_of.setdefault(owner, set()).add(number)
    acted = {fingerprint for action in tenant.actions for fingerprint in action.findings}
    if any(acted.isdisjoint(question.findings) for question in tenant.open_questions):
        numbers_of.setdefault("", set()).add(0)
    return {owner: frozenset(numbers) for owner, numbers in sorted(numbers_of.items())}


def _folders(owners: Mapping[str, None]) -> Mapping[str, str]:
    """Return a folder name for each owner; names that differ in other characters only get a number."""
    names: set[str] = {NOBODY}
    folders: dict[str, str] = {"": NOBODY}
    for owner in filter(None, owners):
        folders[owner] = free_id(_UNSAFE.sub("-", owner)[:_LONGEST].strip(".-") or "owner", names)
    return folders


def _page(owner: str, tenant: TenantPlan, numbers: frozenset[int], plan_of: str, l10n: Localization) -> bytes:
    title = l10n.gettext("Actions to approve")
    who = owner or l10n.gettext("The policies of these actions have no owner.")
    intro = l10n.gettext("Fill in the column approve of approvals.csv, and send the file back.")
    day = l10n.date(datetime.fromisoformat(plan_of))
    where = f"{tenant.display_name or tenant.name}, {day}"
    sections = [Section(title=title, paragraphs=(where, who, intro), level=1)]
    findings = {finding.fingerprint: finding for finding in tenant.findings}
    asked = questions_by_action(tenant)
    warned: dict[tuple[str, ...], str] = {}
    for number, action in enumerate(tenant.actions, start=1):
        if number in numbers:
            sections += _action(number, action, findings, warned, l10n)
            sections += [_question(question, tenant.names, l10n) for question in asked.get(number, ())]
    if 0 in numbers:
        sections += [_question(question, tenant.names, l10n) for question in asked.get(0, ())]
    return text_page(sections, title=title, language=l10n.language)


def _action(
    number: int, action: Action, findings: Mapping[str, Finding], warned: dict[tuple[str, ...], str], l10n: Localization
) -> Iterator[Section]:
    """Yield an action; `warned` are the titles of those with the same warnings, which are not repeated."""
    own = [findings[fingerprint] for fingerprint in action.findings if fingerprint in findings]
    names = list(dict.fromkeys(named(finding) for finding in own))
    more = l10n.plural("{count} more", "{count} more", len(names) - _PEOPLE) if len(names) > _PEOPLE else ""
    until = l10n.gettext("Decide by {day}.").replace("{day}", l10n.date(action.due)) if action.due is not None else ""
    paragraphs = (
        action.why,
        f"{l10n.gettext('Concerns')}: {', '.join(filter(None, (*names[:_PEOPLE], more)))}" if names else "",
        until,
        _otherwise(action, len(own), l10n),
    )
    title = f"{number}. {action.title}"
    yield Section(title=title, paragraphs=tuple(filter(None, paragraphs)), level=2)
    if not action.warnings:
        return
    like = warned.setdefault(tuple(action.warnings), title)
    same = (f"{l10n.gettext('The same as for:')} {like}",)
    warnings = tuple(map(without_markup, action.warnings))
    yield Section(
        title=l10n.gettext("Warnings"),
        paragraphs=() if like == title else same,
        items=warnings if like == title else (),
        level=3,
    )


def _otherwise(action: Action, count: int, l10n: Localization) -> str:
    """Return what happens if nothing is done."""
    text = l10n.plural(
        "If nothing is done, {count} finding stays open.", "If nothing is done, {count} findings stay open.", count
    )
    text = text if count else ""
    if action.saves is None:
        return text
    amount = l10n.money(action.saves.per_month, action.saves.currency)
    return f"{text} ".lstrip() + l10n.gettext("{amount} a month continues to be spent.").replace("{amount}", amount)


def _question(question: Question, names: Mapping[str, str], l10n: Localization) -> Section:
    return Section(title=sentence(question, l10n, names), items=commented_answers(question, names, l10n), level=3)
