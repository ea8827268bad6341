"""Issues against a local GitHub API: exactly one per action, opened, updated, closed and reopened."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from auditor.app.ci.issues import IssueChange, IssueJob, IssueStep, carry_out, issue_changes
from auditor.deliver.github.issues import Repository, open_repository
from auditor.domain.enums import Outcome, Severity
from auditor.domain.errors import DeliveryError, SettingsError
from auditor.domain.result.model import Result
from auditor.render.ci.issue import END, issue_id
from auditor.result.work_items import FLEET, work_items
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import result
from tests.builders.service.command_line import call, expect
from tests.builders.service.github_api import REPOSITORY, TOKEN, GithubApi, github_api

ALL = IssueJob(severity=Severity.INFO, limit=1000)


@pytest.fixture(scope="module")
def module_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GithubApi]:
    with github_api(tmp_path_factory.mktemp("github")) as server:
        yield server


@pytest.fixture
def api(module_api: GithubApi) -> GithubApi:
    for records in (module_api.issues, module_api.labels, module_api.asked, module_api.refusals):
        records.clear()
    module_api.may_label = True
    return module_api


@cache
def complete_result() -> Result:
    """Return the sample result as complete, without the policies that were not evaluated."""
    sample = result()
    tenants = tuple(
        replace(
            tenant,
            complete=True,
            policies=tuple(outcome for outcome in tenant.policies if outcome.status is not Outcome.NOT_EVALUATED),
        )
        for tenant in sample.tenants
    )
    return replace(sample, tenants=tenants)


def without_actions(result: Result) -> Result:
    return replace(
        result,
        tenants=tuple(replace(tenant, actions=()) for tenant in result.tenants),
        fleet=replace(result.fleet, actions=()),
    )


def repository(api: GithubApi, waits: list[float] | None = None) -> Repository:
    pauses = [] if waits is None else waits
    return open_repository(REPOSITORY, api.environment, pause=pauses.append)


def run(api: GithubApi, audit: Result | None = None, job: IssueJob = ALL) -> list[str]:
    """Apply all changes once and return the steps that were taken."""
    taken: list[str] = []

    def record(change: IssueChange, number: int) -> None:
        taken.append(f"{change.step} {number}" if number else change.step)

    repo = repository(api)
    carry_out(
        repo, list(issue_changes(complete_result() if audit is None else audit, list(repo.issues()), job)), record
    )
    return taken


def steps(taken: Sequence[str]) -> set[str]:
    return {entry.split()[0] for entry in taken}


def test_one_issue_per_action_is_opened_once(api: GithubApi) -> None:
    items = list(work_items(complete_result()))
    assert steps(run(api)) == {"open"}
    assert len(api.issues) == len(items)
    assert api.labels >= {"auditor", "severity: critical"}
    api.asked.clear()
    assert steps(run(api)) == {"same"}
    assert api.writes == []


def test_all_pages_of_existing_issues_are_read(api: GithubApi) -> None:
    for number in range(130):
        api.add(title="x", body=f"<!-- auditor elsewhere/{number} -->\n", labels=[{"name": "auditor"}])
    run(api)
    api.asked.clear()
    assert steps(run(api)) == {"same"}


def test_issues_beyond_the_numbered_pages_are_read_by_the_cursor_of_the_link(api: GithubApi) -> None:
    api.numbered_pages = 1
    for number in range(230):
        api.add(title="x", body=f"<!-- auditor elsewhere/{number} -->\n", labels=[{"name": "auditor"}])
    run(api)
    api.asked.clear()
    assert steps(run(api)) == {"same"}


def test_limit_opens_the_most_severe_issues_first(api: GithubApi) -> None:
    limited = replace(ALL, limit=1)
    assert [step for step in run(api, job=limited) if step != "later"] == ["open 1"]
    highest = sorted((item.severity for item in work_items(complete_result())), key=lambda severity: severity.rank)[:1]
    assert [f"severity: {severity}" for severity in highest] == [issue["labels"][-1]["name"] for issue in api.issues]
    run(api, job=limited)
    assert len({issue_id(issue["body"]) for issue in api.issues}) == len(api.issues) == 2


def test_no_issue_is_opened_below_the_severity(api: GithubApi) -> None:
    run(api, job=replace(ALL, severity=Severity.HIGH))
    expected = [item for item in work_items(complete_result()) if item.severity.rank <= Severity.HIGH.rank]
    assert len(api.issues) == len(expected)


def test_text_and_labels_added_by_people_are_kept(api: GithubApi) -> None:
    run(api)
    issue = api.issues[0]
    issue["title"] = "old"
    issue["body"] = issue["body"].replace("\n", "\r\n") + "\r\nAsked the finance team."
    issue["labels"] = [{"name": "auditor"}, {"name": "waiting"}, {"name": "severity: info"}]
    api.labels.add("waiting")
    assert "update 1" in run(api)
    assert issue["body"].endswith(f"{END}\nAsked the finance team.")
    assert {label["name"] for label in issue["labels"]} == {"auditor", "waiting", "severity: critical"}
    assert steps(run(api)) == {"same"}
    issue["body"] = issue["body"].replace("\n", "\nold\n", 1)
    assert "update 1" in run(api), "only the text of the action is old"
    assert "\nold\n" not in issue["body"]


def test_issue_is_closed_if_its_action_is_gone_and_reopened_later(api: GithubApi) -> None:
    run(api)
    assert steps(run(api, without_actions(complete_result()))) == {"close"}
    assert {(issue["state"], issue["state_reason"]) for issue in api.issues} == {("closed", "completed")}
    count = len(api.issues)
    assert steps(run(api)) == {"reopen"}
    assert {issue["state"] for issue in api.issues} == {"open"}
    assert len(api.issues) == count


def test_issues_stay_open_if_their_policy_was_not_evaluated(api: GithubApi) -> None:
    run(api)
    no_actions = without_actions(complete_result())
    contoso, fabrikam = no_actions.tenants
    pending = replace(contoso.policies[0], status=Outcome.NOT_EVALUATED)
    for incomplete in (replace(contoso, complete=False), replace(contoso, policies=(pending,))):
        taken = run(api, replace(no_actions, tenants=(incomplete, fabrikam)))
        assert not [issue for issue in api.issues if "auditor contoso/" in issue["body"] and issue["state"] != "open"]
    assert steps(taken) <= {"close"}


def test_issues_of_other_tenants_and_people_are_not_changed(api: GithubApi) -> None:
    run(api)
    api.add(title="mine", body="no mark", labels=[{"name": "auditor"}])
    api.add(title="pull", body="<!-- auditor contoso/0 -->\n", labels=[{"name": "auditor"}], pull_request={})
    no_actions = without_actions(complete_result())
    run(api, replace(no_actions, tenants=no_actions.tenants[:1]))
    states = {issue_id(issue["body"] or "") or issue["title"]: issue["state"] for issue in api.issues}
    assert states["mine"] == "open"
    assert states["contoso/0"] == "open"
    assert {state for name, state in states.items() if name.startswith(("fabrikam/", FLEET))} <= {"open"}
    assert {state for name, state in states.items() if name.startswith("contoso/") and name != "contoso/0"} == {
        "closed"
    }


def test_declined_issue_stays_closed(api: GithubApi) -> None:
    run(api)
    api.issues[0] |= {"state": "closed", "state_reason": "not_planned"}
    api.asked.clear()
    assert steps(run(api)) == {"same", "declined"}
    assert api.writes == []


def test_rate_limits_are_waited_for_up_to_a_maximum(api: GithubApi) -> None:
    api.refusals += [(403, {"Retry-After": "3"}), (429, {}), (403, {"x-ratelimit-remaining": "0", "Retry-After": "5"})]
    waits: list[float] = []
    assert list(repository(api, waits).issues()) == []
    assert waits == [3.0, 60.0, 5.0]
    api.refusals += [(403, {"Retry-After": "900"})]
    with pytest.raises(DeliveryError, match="HTTP 403"):
        list(repository(api).issues())


def test_missing_permission_and_wrong_token_are_errors(api: GithubApi) -> None:
    api.may_label = False
    with pytest.raises(DeliveryError) as caught:
        run(api)
    assert "403" in caught.value.message
    assert api.issues == []
    with pytest.raises(DeliveryError) as caught:
        list(open_repository(REPOSITORY, {**api.environment, "GITHUB_TOKEN": f"{TOKEN}x"}).issues())
    assert "401" in caught.value.message
    assert TOKEN not in f"{caught.value} {caught.value.hint} {repository(api)!r}"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"GITHUB_TOKEN": "x", "GITHUB_API_URL": "http://evil.example"},
        {"GITHUB_TOKEN": "x", "GITHUB_API_URL": "https://u@h"},
    ],
)
def test_token_is_required_and_sent_only_to_https_without_credentials(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        open_repository(REPOSITORY, environ)
    assert caught.value.slug == "issues-token"


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_in_issues_is_escaped(text: str) -> None:
    for change in issue_changes(holding(text), [], ALL):
        assert change.step is IssueStep.OPEN
        assert change.title.isprintable()
        assert len(change.title) <= 256
        assert "@octocat" not in change.body
        # As GitHub renders it: only the project's own links, lists, quotes and HTML tags.
        tokens = MarkdownIt("commonmark", {"linkify": False}).parse(change.body)
        inner = [child for token in tokens for child in token.children or ()]
        links = [str(child.attrs["href"]) for child in inner if child.type == "link_open"]
        assert all(link.startswith("https://learn.microsoft.com/") for link in links)
        assert {child.content for child in inner if child.type == "html_inline"} <= {
            "<b>", "</b>", "<code>", "</code>", "<sub>", "</sub>",
        }  # fmt: skip
        assert not {child.type for child in inner} & {"image", "code_inline", "strong_open", "em_open"}


@pytest.mark.slow
def test_issues_command(api: GithubApi, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_bytes(rendered_bytes(complete_result(), "json"))
    arguments = ("issues", "result.json", "--repository", REPOSITORY, "--limit", "1", "--severity", "info")
    offline = call(*arguments, "--dry-run", cwd=tmp_path)
    assert (offline.code, api.asked) == (0, []), offline.err
    assert offline.text.startswith("to open: ")
    assert call(*arguments, cwd=tmp_path).code == 2, "without a token"
    completed = expect(0, *arguments, cwd=tmp_path, **api.environment)
    assert completed.text.startswith("opened #1: ")
    _, postponed = completed.text.splitlines()
    assert postponed.startswith("postponed to later runs (--limit): ")
    assert TOKEN not in completed.text + completed.err
    api.asked.clear()
    assert call(*arguments, "--dry-run", cwd=tmp_path, **api.environment).code == 0
    assert api.writes == []
    api.refusals.append((404, {}))
    assert call(*arguments, cwd=tmp_path, **api.environment).code == 3
    assert call("issues", "result.json", "--repository", "x", cwd=tmp_path).code == 2
