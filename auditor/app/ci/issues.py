"""Keeps one GitHub issue for each action of a result: opens, updates, reopens and closes them by the action's id."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from auditor.app.redaction.pseudonyms import PSEUDONYM
from auditor.deliver.github.issues import LABEL, Issue, Repository
from auditor.domain.enums import Severity
from auditor.domain.result.model import Result
from auditor.render.ci.issue import END, SEVERITY, issue_body, issue_id, issue_labels, issue_title
from auditor.render.text.labels import Labels
from auditor.result.work_items import FLEET, WorkItem, settled, work_items


class IssueStep(StrEnum):
    """What is to be done about an issue."""

    OPEN = "open"
    REOPEN = "reopen"
    UPDATE = "update"
    CLOSE = "close"
    LATER = "later"
    """To open, beyond the limit of this run."""
    SAME = "same"
    DECLINED = "declined"
    """Somebody closed it as not planned: it stays closed."""


class IssueChange(Struct, frozen=True, kw_only=True):
    """One issue and what is to be done about it."""

    step: IssueStep
    title: str
    body: str = ""
    labels: tuple[str, ...] = ()
    issue: Issue | None = None
    """None for one that does not exist yet."""


class IssueJob(Struct, frozen=True, kw_only=True):
    """Which issues are wanted."""

    severity: Severity
    """The lowest severity for which an issue is opened."""
    limit: int
    """The number of issues to open in one run; the others follow in later runs."""
    labels: tuple[str, ...] = ()
    """Labels beside LABEL and the severity."""
    locale: str = "en"


def issue_changes(result: Result, issues: Sequence[Issue], job: IssueJob) -> Iterator[IssueChange]:
    """Yield what is to be done, the most severe first, then what is to be closed.

    An issue is closed if its action is gone and its tenant was read whole with every policy evaluated; issues of
    tenants that are not in the result are left alone. Of several issues with one id the oldest counts.
    """
    l10n = Labels(job.locale)
    by_key: dict[str, Issue] = {}
    for issue in issues:
        name = issue_id(issue.body)
        if name is not None:
            by_key.setdefault(name, issue)
    opened = 0
    items = {_key(item, result): item for item in work_items(result)}
    for key, item in sorted(items.items(), key=lambda pair: (pair[1].severity.rank, pair[1].action.rank, pair[0])):
        existing = by_key.pop(key, None)
        if existing is None and item.severity.rank > job.severity.rank:
            continue
        change = _change(item, key, existing, job, l10n)
        if existing is None:
            opened += 1
            step = IssueStep.OPEN if opened <= job.limit else IssueStep.LATER
            change = IssueChange(step=step, title=change.title, body=change.body, labels=change.labels)
        yield change
    done = _settled(result)
    for key, issue in by_key.items():
        if issue.open and key.rpartition("/")[0] in done:
            yield IssueChange(step=IssueStep.CLOSE, title=issue.title, issue=issue)


def carry_out(
    repository: Repository, changes: Sequence[IssueChange], report: Callable[[IssueChange, int], None]
) -> None:
    """Do what the changes say, and report each with the number of its issue. Raises DeliveryError."""
    if any(change.step is IssueStep.OPEN for change in changes):
        repository.ensure_label()
    for change in changes:
        report(change, _carried(repository, change))


def _carried(repository: Repository, change: IssueChange) -> int:
    text = {"title": change.title, "body": change.body, "labels": list(change.labels)}
    number = 0 if change.issue is None else change.issue.number
    match change.step:
        case IssueStep.OPEN:
            return repository.create(change.title, change.body, change.labels).number
        case IssueStep.UPDATE:
            repository.update(number, **text)
        case IssueStep.REOPEN:
            repository.update(number, **text, state="open", state_reason="reopened")
        case IssueStep.CLOSE:
            repository.update(number, state="closed", state_reason="completed")
        case _:
            pass
    return number


def _change(item: WorkItem, key: str, issue: Issue | None, job: IssueJob, l10n: Labels) -> IssueChange:
    title, body = issue_title(item), issue_body(item, key, l10n)
    labels = issue_labels(item, (LABEL, *job.labels))
    if issue is None:
        return IssueChange(step=IssueStep.OPEN, title=title, body=body, labels=labels)
    body += issue.body.partition(END)[2]
    other_labels = (label for label in issue.labels if not label.startswith(SEVERITY))
    labels = tuple(dict.fromkeys((*labels, *other_labels)))
    same = _same(title) == _same(issue.title) and _same(body) == _same(issue.body) and set(labels) == set(issue.labels)
    step = (
        IssueStep.DECLINED
        if issue.declined
        else IssueStep.REOPEN
        if not issue.open
        else IssueStep.SAME
        if same
        else IssueStep.UPDATE
    )
    return IssueChange(step=step, title=title, body=body, labels=labels, issue=issue)


def _same(text: str) -> str:
    """Return what is equal for texts that differ in pseudonyms only: without a key of the user's, these are random."""
    return PSEUDONYM.sub("user", text).strip()


def _key(item: WorkItem, result: Result) -> str:
    return f"{_fleet(result)}/{item.action.id}" if item.tenant == FLEET else item.id


def _fleet(result: Result) -> str:
    """Return what stands for all tenants of a result together: another one for other tenants."""
    names = "\n".join(sorted(tenant.name for tenant in result.tenants))
    return FLEET + hashlib.sha256(names.encode()).hexdigest()[:8]


def _settled(result: Result) -> frozenset[str]:
    """Return the tenants of which it is known that what is missing is gone."""
    done = {t.name for t in result.tenants if settled(t, complete=t.complete and t.failure is None)}
    return frozenset(done | ({_fleet(result)} if settled(result.fleet, complete=result.complete) else set()))
