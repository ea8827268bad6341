"""Issues through GitHub's API on this machine: one for each action, whatever happens in between, and never two."""

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
from auditor.render import render
from auditor.render.ci.issue import END, issue_id
from auditor.result.work_items import FLEET, work_items
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.results import result
from tests.builders.service.command_line import call
from tests.builders.service.github_api import REPOSITORY, TOKEN, GithubApi, github_api

ALL = IssueJob(severity=Severity.INFO, limit=1000)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GithubApi]:
    with github_api(tmp_path_factory.mktemp("github")) as running:
        yield running


@pytest.fixture
def api(shared: GithubApi) -> GithubApi:
    for each in (shared.issues, shared.labels, shared.asked, shared.refusals):
        each.clear()
    shared.may_label = True
    return shared


@cache
def sample() -> Result:
    """The sample, read whole and with every policy evaluated."""
    whole = result()
    tenants = tuple(
        replace(
            tenant,
            complete=True,
            policies=tuple(each for each in tenant.policies if each.status is not Outcome.NOT_EVALUATED),
        )
        for tenant in whole.tenants
    )
    return replace(whole, tenants=tenants)


def without_actions(of: Result) -> Result:
    return replace(
        of, tenants=tuple(replace(each, actions=()) for each in of.tenants), fleet=replace(of.fleet, actions=())
    )


def repository(api: GithubApi, waits: list[float] | None = None) -> Repository:
    waited = [] if waits is None else waits
    return open_repository(REPOSITORY, api.environment, pause=waited.append)


def run(api: GithubApi, of: Result | None = None, job: IssueJob = ALL) -> list[str]:
    """One run; returns what was done."""
    done: list[str] = []

    def record(change: IssueChange, number: int) -> None:
        done.append(f"{change.step} {number}" if number else change.step)

    there = repository(api)
    carry_out(there, list(issue_changes(sample() if of is None else of, list(there.issues()), job)), record)
    return done


def steps(done: Sequence[str]) -> set[str]:
    return {each.split()[0] for each in done}


def test_one_issue_for_each_action_and_no_second_run_opens_any(api: GithubApi) -> None:
    wanted = list(work_items(sample()))
    assert steps(run(api)) == {"open"}
    assert len(api.issues) == len(wanted)
    assert api.labels >= {"auditor", "severity: critical"}
    api.asked.clear()
    assert steps(run(api)) == {"same"}
    assert api.writes == []


def test_more_than_a_page_is_read(api: GithubApi) -> None:
    for number in range(130):
        api.add(title="x", body=f"<!-- auditor elsewhere/{number} -->\n", labels=[{"name": "auditor"}])
    run(api)
    api.asked.clear()
    assert steps(run(api)) == {"same"}


def test_the_most_severe_come_first_and_the_others_later(api: GithubApi) -> None:
    few = replace(ALL, limit=1)
    assert [step for step in run(api, job=few) if step != "later"] == ["open 1"]
    worst = sorted((item.severity for item in work_items(sample())), key=lambda severity: severity.rank)[:1]
    assert [f"severity: {severity}" for severity in worst] == [issue["labels"][-1]["name"] for issue in api.issues]
    run(api, job=few)
    assert len({issue_id(issue["body"]) for issue in api.issues}) == len(api.issues) == 2


def test_no_issue_below_the_severity(api: GithubApi) -> None:
    run(api, job=replace(ALL, severity=Severity.HIGH))
    expected = [item for item in work_items(sample()) if item.severity.rank <= Severity.HIGH.rank]
    assert len(api.issues) == len(expected)


def test_what_people_write_below_and_their_labels_stay(api: GithubApi) -> None:
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


def test_what_is_gone_is_closed_and_what_comes_back_reopened(api: GithubApi) -> None:
    run(api)
    assert steps(run(api, without_actions(sample()))) == {"close"}
    assert {(issue["state"], issue["state_reason"]) for issue in api.issues} == {("closed", "completed")}
    count = len(api.issues)
    assert steps(run(api)) == {"reopen"}
    assert {issue["state"] for issue in api.issues} == {"open"}
    assert len(api.issues) == count


def test_nothing_is_closed_that_could_not_be_evaluated(api: GithubApi) -> None:
    run(api)
    bare = without_actions(sample())
    contoso, fabrikam = bare.tenants
    pending = replace(contoso.policies[0], status=Outcome.NOT_EVALUATED)
    for unknown in (replace(contoso, complete=False), replace(contoso, policies=(pending,))):
        done = run(api, replace(bare, tenants=(unknown, fabrikam)))
        assert not [issue for issue in api.issues if "auditor contoso/" in issue["body"] and issue["state"] != "open"]
    assert steps(done) <= {"close"}


def test_issues_of_other_tenants_and_other_people_are_left_alone(api: GithubApi) -> None:
    run(api)
    api.add(title="mine", body="no mark", labels=[{"name": "auditor"}])
    api.add(title="pull", body="<!-- auditor contoso/0 -->\n", labels=[{"name": "auditor"}], pull_request={})
    bare = without_actions(sample())
    run(api, replace(bare, tenants=bare.tenants[:1]))
    states = {issue_id(issue["body"] or "") or issue["title"]: issue["state"] for issue in api.issues}
    assert states["mine"] == "open"
    assert states["contoso/0"] == "open"
    assert {state for name, state in states.items() if name.startswith(("fabrikam/", FLEET))} <= {"open"}
    assert {state for name, state in states.items() if name.startswith("contoso/") and name != "contoso/0"} == {
        "closed"
    }


def test_what_a_person_declined_stays_closed(api: GithubApi) -> None:
    run(api)
    api.issues[0] |= {"state": "closed", "state_reason": "not_planned"}
    api.asked.clear()
    assert steps(run(api)) == {"same", "declined"}
    assert api.writes == []


def test_patience_and_its_end(api: GithubApi) -> None:
    api.refusals += [(403, {"Retry-After": "3"}), (429, {}), (403, {"x-ratelimit-remaining": "0", "Retry-After": "5"})]
    waits: list[float] = []
    assert list(repository(api, waits).issues()) == []
    assert waits == [3.0, 60.0, 5.0]
    api.refusals += [(403, {"Retry-After": "900"})]
    with pytest.raises(DeliveryError, match="HTTP 403"):
        list(repository(api).issues())


def test_a_token_without_permission_opens_nothing(api: GithubApi) -> None:
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
def test_the_token_goes_nowhere_else(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        open_repository(REPOSITORY, environ)
    assert caught.value.slug == "issues-token"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_inert(text: str) -> None:
    for change in issue_changes(holding(text), [], ALL):
        assert change.step is IssueStep.OPEN
        assert change.title.isprintable()
        assert len(change.title) <= 256
        assert "@octocat" not in change.body
        # GitHub's Markdown: nothing but our own links, lists, quotes and marks.
        tokens = MarkdownIt("commonmark", {"linkify": False}).parse(change.body)
        inner = [child for token in tokens for child in token.children or ()]
        links = [str(child.attrs["href"]) for child in inner if child.type == "link_open"]
        assert all(link.startswith("https://learn.microsoft.com/") for link in links)
        assert {child.content for child in inner if child.type == "html_inline"} <= {
            "<b>", "</b>", "<code>", "</code>", "<sub>", "</sub>",
        }  # fmt: skip
        assert not {child.type for child in inner} & {"image", "code_inline", "strong_open", "em_open"}


@pytest.mark.slow
def test_the_command(api: GithubApi, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_bytes(b"".join(render(sample(), "json", locale="en").chunks()))
    asked = ("issues", "result.json", "--repository", REPOSITORY, "--limit", "1", "--severity", "info")
    offline = call(*asked, "--dry-run", cwd=tmp_path)
    assert (offline.code, api.asked) == (0, []), offline.err
    assert offline.text.startswith("to open: ")
    assert call(*asked, cwd=tmp_path).code == 2, "without a token"
    done = call(*asked, cwd=tmp_path, **api.environment)
    assert done.code == 0, done.err
    assert done.text.startswith("opened #1: ")
    assert "postponed to a later run (--limit): " in done.text
    assert TOKEN not in done.text + done.err
    api.asked.clear()
    assert call(*asked, "--dry-run", cwd=tmp_path, **api.environment).code == 0
    assert api.writes == []
    api.refusals.append((404, {}))
    assert call(*asked, cwd=tmp_path, **api.environment).code == 3
    assert call("issues", "result.json", "--repository", "x", cwd=tmp_path).code == 2
