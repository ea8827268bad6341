"""Keeps one GitHub issue for each action of a result: opens, updates, reopens and closes them by the action's id."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from auditor.deliver.github.issues import LABEL, Issue, Repository
from auditor.domain.enums import Severity
from auditor.domain.result.model import Result
from auditor.render.ci.issue import END, SEVERITY, issue_body, issue_id, issue_labels, issue_title
from auditor.render.text.labels import Labels
from auditor.result.redaction.pseudonyms import PSEUDONYM
from auditor.result.work_items import FLEET, WorkItem, is_certainly_done, work_items


class IssueStep(StrEnum):
    """The operation that an issue needs."""

    OPEN = "open"
    REOPEN = "reopen"
    UPDATE = "update"
    CLOSE = "close"
    LATER = "later"
    """To be opened in a later run, because of the limit of this run."""
    SAME = "same"
    DECLINED = "declined"
    """It was closed as not planned, and is not reopened."""


class IssueChange(Struct, frozen=True, kw_only=True):
    """One issue and the operation that it needs."""

    step: IssueStep
    title: str
    body: str = ""
    labels: tuple[str, ...] = ()
    issue: Issue | None = None
    """None for an issue that does not exist yet."""


class IssueJob(Struct, frozen=True, kw_only=True):
    """The options of a run that updates issues."""

    severity: Severity
    """The lowest severity for which an issue is opened."""
    limit: int
    """The maximum number of issues to open in one run; the others are opened in later runs."""
    labels: tuple[str, ...] = ()
    """Labels in addition to LABEL and the severity."""
    locale: str = "en"


def issue_changes(result: Result, issues: Sequence[Issue], job: IssueJob) -> Iterator[IssueChange]:
    """Yield the change of each issue, the most severe first, then the issues to close.

    An issue is closed if its action is gone, its tenant was read completely and every policy was evaluated. Issues of
    tenants that are not in the result are not changed. If several issues have the same id, the oldest is used.
    """
    l10n = Labels(job.locale)
    by_key: dict[str, Issue] = {}
    for issue in issues:
        issue_key = issue_id(issue.body)
        if issue_key is not None:
            by_key.setdefault(issue_key, issue)
    open_count = 0
    fleet = _fleet_key(result)
    items = {f"{fleet}/{item.action.id}" if item.tenant == FLEET else item.id: item for item in work_items(result)}
    for key, item in sorted(items.items(), key=lambda pair: (pair[1].severity.rank, pair[1].action.rank, pair[0])):
        existing = by_key.pop(key, None)
        if existing is None and item.severity.rank > job.severity.rank:
            continue
        if existing is None:
            open_count += 1
            if open_count > job.limit:
                yield IssueChange(step=IssueStep.LATER, title=issue_title(item))
                continue
        yield _change(item, key, existing, job, l10n)
    settled_tenants = _settled_tenants(result)
    for key, issue in by_key.items():
        if issue.open and key.rpartition("/")[0] in settled_tenants:
            yield IssueChange(step=IssueStep.CLOSE, title=issue.title, issue=issue)


def carry_out(
    repository: Repository, changes: Sequence[IssueChange], report: Callable[[IssueChange, int], None]
) -> None:
    """Apply the changes, and report each with the number of its issue. Raises DeliveryError if a request fails."""
    if any(change.step is IssueStep.OPEN for change in changes):
        repository.ensure_label()
    for change in changes:
        report(change, _apply(repository, change))


def _apply(repository: Repository, change: IssueChange) -> int:
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
    is_unchanged = (
        _normalised(title) == _normalised(issue.title)
        and _normalised(body) == _normalised(issue.body)
        and set(labels) == set(issue.labels)
    )
    step = (
        IssueStep.DECLINED
        if issue.declined
        else IssueStep.REOPEN
        if not issue.open
        else IssueStep.SAME
        if is_unchanged
        else IssueStep.UPDATE
    )
    return IssueChange(step=step, title=title, body=body, labels=labels, issue=issue)


def _normalised(text: str) -> str:
    """Normalise a text for comparison: replace pseudonyms, which are random without a key of the user."""
    return PSEUDONYM.sub("user", text).strip()


def _fleet_key(result: Result) -> str:
    """Return the key of the fleet, which depends on the names of all tenants of the result."""
    names = "\n".join(sorted(tenant.name for tenant in result.tenants))
    return FLEET + hashlib.sha256(names.encode()).hexdigest()[:8]


def _settled_tenants(result: Result) -> frozenset[str]:
    """Return the tenants, and the fleet, that are complete: an action missing from their result is done."""
    names = {t.name for t in result.tenants if is_certainly_done(t, complete=t.complete and t.failure is None)}
    return frozenset(
        names | ({_fleet_key(result)} if is_certainly_done(result.fleet, complete=result.complete) else set())
    )
