"""Writes the part of a plan that each owner of policies decides about: approvals.csv and an HTML page."""

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
from auditor.remedy.planner.text.outline_text import affecting, finding_name
from auditor.remedy.planner.text.question_text import commented_answers, sentence
from auditor.render.text.static_page import PageSection, text_page
from auditor.result.codec.encoder import document, members

FOLDER: Final = "owners"
NOBODY: Final = "no-owner"
"""The folder of actions whose policies have no owner."""
_UNSAFE: Final = re.compile(r"[^a-z0-9@._+-]+")
_MAX_LENGTH: Final = 100
_MAX_NAMES: Final = 50
"""The maximum number of names of an action on the page."""


def owner_documents(root: Path, plan: FleetPlan, l10n: Localization) -> Iterator[tuple[ChildFile, bytes]]:
    """Yield approvals.csv and actions.html for each owner and tenant with actions of the owner, below `root/owners/`.

    An action of several owners is in the files of each. Actions without an owner, and questions without an action, are
    in `no-owner`. If there are several tenants, each has a folder. `owners.json` is the index of all files.
    """
    numbers = {tenant.name: owned_actions(tenant) for tenant in plan.tenants}
    owners = dict.fromkeys(owner for tenant_numbers in numbers.values() for owner in tenant_numbers)
    folders = _folders(owners)
    index_entries: list[OwnerFiles] = []
    for owner in owners:
        for tenant in plan.tenants:
            tenant_numbers = numbers[tenant.name].get(owner)
            if not tenant_numbers:
                continue
            names = (folders[owner], *((tenant_name(tenant.name),) if len(plan.tenants) > 1 else ()))
            index_entries.append(OwnerFiles(owner=owner, tenant=tenant.name, tenant_id=tenant.tenant_id, names=names))
            yield ChildFile(root, (FOLDER, *names, APPROVALS)), approvals_csv(tenant, l10n, tenant_numbers)
            yield ChildFile(root, (FOLDER, *names, PAGE)), _page(owner, tenant, tenant_numbers, plan.as_of, l10n)
    index = OwnerIndex(as_of=datetime.fromisoformat(plan.as_of), files=tuple(index_entries))
    yield ChildFile(root, (FOLDER, INDEX)), document(members(index))


def owned_actions(tenant: TenantPlan) -> Mapping[str, frozenset[int]]:
    """Return the numbers of the actions of each owner, by address in lower case; the address is empty for no owner.

    The number 0 represents questions about findings without an action.
    """
    numbers_of: dict[str, set[int]] = {}
    for number, action in enumerate(tenant.actions, start=1):
        for owner in dict.fromkeys(map(str.casefold, action.owners or ("",))):
            numbers_of.setdefault(owner, set()).add(number)
    acted = {fingerprint for action in tenant.actions for fingerprint in action.findings}
    if any(acted.isdisjoint(question.findings) for question in tenant.open_questions):
        numbers_of.setdefault("", set()).add(0)
    return {owner: frozenset(numbers) for owner, numbers in sorted(numbers_of.items())}


def _folders(owners: Mapping[str, None]) -> Mapping[str, str]:
    """Return a folder name for each owner; a number is added to names that are equal after replacing characters."""
    names: set[str] = {NOBODY}
    folders: dict[str, str] = {"": NOBODY}
    for owner in filter(None, owners):
        folders[owner] = free_id(_UNSAFE.sub("-", owner)[:_MAX_LENGTH].strip(".-") or "owner", names)
    return folders


def _page(owner: str, tenant: TenantPlan, numbers: frozenset[int], plan_of: str, l10n: Localization) -> bytes:
    title = l10n.gettext("Actions to approve")
    owner_line = owner or l10n.gettext("The policies of these actions have no owner.")
    intro = l10n.gettext("Fill in the approve column of approvals.csv and send the file back.")
    day = l10n.date(datetime.fromisoformat(plan_of))
    tenant_line = f"{tenant.title}, {day}"
    sections = [PageSection(title=title, paragraphs=(tenant_line, owner_line, intro), level=1)]
    findings = {finding.fingerprint: finding for finding in tenant.findings}
    questions = questions_by_action(tenant)
    title_by_warnings: dict[tuple[str, ...], str] = {}
    for number, action in enumerate(tenant.actions, start=1):
        if number in numbers:
            sections += _action(number, action, findings, title_by_warnings, l10n)
            sections += [_question(question, tenant.names, l10n) for question in questions.get(number, ())]
    if 0 in numbers:
        sections += [_question(question, tenant.names, l10n) for question in questions.get(0, ())]
    return text_page(sections, title=title, language=l10n.language)


def _action(
    number: int,
    action: Action,
    findings: Mapping[str, Finding],
    title_by_warnings: dict[tuple[str, ...], str],
    l10n: Localization,
) -> Iterator[PageSection]:
    """Yield the sections of an action.

    `title_by_warnings` maps warnings to the title of the first action with them, so that they are not repeated.
    """
    action_findings = [findings[fingerprint] for fingerprint in action.findings if fingerprint in findings]
    names = list(dict.fromkeys(finding_name(finding) for finding in affecting(action_findings)))
    until = l10n.gettext("Decide by {day}.", day=l10n.date(action.due)) if action.due is not None else ""
    paragraphs = (
        action.why,
        f"{l10n.gettext('Affects')}: {l10n.first_of(names, _MAX_NAMES)}" if names else "",
        until,
        _consequence(action, len(action_findings), l10n),
    )
    title = f"{number}. {action.title}"
    yield PageSection(title=title, paragraphs=tuple(filter(None, paragraphs)), level=2)
    if not action.warnings:
        return
    first_title = title_by_warnings.setdefault(tuple(action.warnings), title)
    reference = (f"{l10n.gettext('The same as for:')} {first_title}",)
    warnings = tuple(map(without_markup, action.warnings))
    yield PageSection(
        title=l10n.gettext("Warnings"),
        paragraphs=() if first_title == title else reference,
        items=warnings if first_title == title else (),
        level=3,
    )


def _consequence(action: Action, count: int, l10n: Localization) -> str:
    """Return the consequence of not carrying out an action."""
    text = l10n.plural(
        "If nothing is done, {count} finding stays open.", "If nothing is done, {count} findings stay open.", count
    )
    text = text if count else ""
    if action.saves is None:
        return text
    amount = l10n.money(action.saves.per_month, action.saves.currency)
    return f"{text} ".lstrip() + l10n.gettext("Costs of {amount} a month continue.", amount=amount)


def _question(question: Question, names: Mapping[str, str], l10n: Localization) -> PageSection:
    return PageSection(title=sentence(question, l10n, names), items=commented_answers(question, names, l10n), level=3)
