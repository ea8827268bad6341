"""Errors in policy files: exit code 2, one message with file, line and column, and no output files."""

import json
from pathlib import Path

import pytest

from tests.builders.service.command_line import AS_OF, Ran, call, contents, expect

ALLOW = "assignments: {of: paid, allow: []}"


def policy(rest: str = ALLOW) -> str:
    return f"policies: [{{id: a, severity: high, {rest}}}]\n"


def waiver(rest: str = "expires: 2027-01-01", policies: str = "[a]") -> str:
    return f"waivers: [{{id: w, policies: {policies}, reason: r, owner: o, {rest}}}]\n"


def prices(price: str) -> str:
    return f"prices: {{currency: EUR, perSeatPerMonth: {{{price}}}}}\n"


INVALID_POLICIES = [
    ([policy("users: {departmnt: Store}, " + ALLOW)], "policy-unknown-property", "did you mean 'department'?"),
    ([policy("users: everyone, " + ALLOW)], "policy-unknown-population", "leave the key out"),
    ([policy("title: [rule] x, " + ALLOW)], "yaml-syntax", "put the value in quotes"),
    (["products:\n  a:\n  - SPE_E3\n  -SPE_E5\n"], "yaml-syntax", "write a space after the '-'"),
    ([policy("seats: {spare: {max: '5'}}")], "policy-bad-value", "remove the quotes"),
    ([policy("assignments: {of: [SPE_E3] allow: []}")], "yaml-syntax", "write a ',' before 'allow'"),
    (["policies: []\n  - id: a\n"], "yaml-syntax", "remove [] above the first item of a list"),
    ([policy("title: caf\udce9, " + ALLOW)], "yaml-encoding", "UTF-8"),
    ([policy(), policy()], "policy-duplicate-id", "the first is at policies/0.yaml:2"),
    (
        ["populations: {a: {not: b}, b: {any: [a]}}\n"],
        "policy-circular-name",
        "population a → population b → population a",
    ),
]


def write_policies(workspace: Path, texts: list[str]) -> Path:
    for path in (workspace / "policies").iterdir():
        path.unlink()
    for number, text in enumerate(texts):
        (workspace / "policies" / f"{number}.yaml").write_bytes(
            f"version: 1\n{text}".encode("utf-8", "surrogateescape")
        )
    return workspace


def audit_and_validate(workspace: Path, fleet: Path) -> list[Ran]:
    return [
        call("audit", "--snapshot", fleet, "--as-of", AS_OF, cwd=workspace),
        call("validate", "--as-of", AS_OF, cwd=workspace),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("texts", "slug", "help_"), INVALID_POLICIES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_error_is_reported_once_with_its_location_and_a_hint(
    workspace: Path, fleet: Path, texts: list[str], slug: str, help_: str
) -> None:
    before = contents(write_policies(workspace, texts))
    for completed in audit_and_validate(workspace, fleet):
        assert (completed.code, completed.out) == (2, b"")
        assert f"error[{slug}]" in completed.err
        assert completed.err.count("error[") == 1, completed.err
        assert completed.err.startswith(f"policies/{len(texts) - 1}.yaml:")
        assert help_ in completed.err
    assert contents(workspace) == before


def test_all_errors_of_all_files_are_reported_together_in_order(workspace: Path, fleet: Path) -> None:
    texts = [
        policy("users: nobody, seats: {spare: {min: 5, max: 3}}"),
        policy() + waiver(policies="[zzz]") + prices("SPE_E3: 1"),
        "broken: [",
        prices("SPE_E3: 2"),
    ]
    for completed in audit_and_validate(write_policies(workspace, texts), fleet):
        locations = [line.partition(": error")[0] for line in completed.err.splitlines() if ": error[" in line]
        assert locations == sorted(
            locations, key=lambda location: [int(part) if part.isdigit() else part for part in location.split(":")]
        )
        assert [
            completed.err.count(slug)
            for slug in ("unknown-population", "min-above-max", "duplicate-id", "yaml-syntax", "prices-duplicate")
        ] == [1] * 5
        # The broken file may define the policy that the waiver names.
        assert "waiver-unknown-policy" not in completed.err


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "version: 1\n", "null\n", "---\n"])
def test_empty_policy_file_is_an_error(workspace: Path, fleet: Path, text: str) -> None:
    (workspace / "policies" / "empty.yaml").write_text(text)
    for completed in audit_and_validate(workspace, fleet):
        assert (completed.code, completed.out) == (2, b"")
        assert completed.err.startswith("policies/empty.yaml:1:1: error[")
        assert completed.err.count("error[") == 1


def test_folder_without_policy_files_is_an_error(workspace: Path, fleet: Path) -> None:
    write_policies(workspace, [])
    (workspace / "policies" / "x_test.yaml").write_text("version: 1\ntests: []\n")
    (workspace / "policies" / ".hidden.yaml").write_text("nonsense")
    for completed in audit_and_validate(workspace, fleet):
        assert (completed.code, "policies-none" in completed.err) == (2, True)


def test_extended_folder_without_policy_files_has_a_hint_about_folders(workspace: Path) -> None:
    (workspace / "base").mkdir()
    write_policies(workspace, ["extends: {from: ../base}\n"])
    completed = call("validate", "policies", cwd=workspace)
    assert (completed.code, "base has no policy file" in completed.err) == (2, True)
    assert "specify a folder of policy files, relative to this file" in completed.err
    assert "run without a path" not in completed.err


def test_files_without_policies_are_valid_but_cannot_be_audited(workspace: Path, fleet: Path) -> None:
    audit, validate = audit_and_validate(
        write_policies(workspace, ["populations: {staff: {userType: Member}}\n"]), fleet
    )
    assert validate.code == 0
    assert (audit.code, "policies-none" in audit.err, (workspace / "out").exists()) == (2, True, False)


def test_auditing_a_policy_test_file_is_an_error(workspace: Path, fleet: Path) -> None:
    (workspace / "x_test.yaml").write_text("version: 1\ntests: []\n")
    completed = call("audit", "x_test.yaml", "--snapshot", fleet, cwd=workspace)
    assert (completed.code, "auditor test x_test.yaml" in completed.err) == (2, True)


@pytest.mark.slow
def test_starter_library_is_used_without_a_policies_folder(tmp_path: Path, demo: Path) -> None:
    expect(1, "audit", "--snapshot", demo, "--as-of", AS_OF, "-f", "json=r.json", cwd=tmp_path)
    assert '"file": "auditor.policies/capacity.yaml"' in (tmp_path / "r.json").read_text()


@pytest.mark.slow
def test_strict_validation_treats_warnings_as_errors(workspace: Path, fleet: Path) -> None:
    write_policies(
        workspace, [policy("users: {department: A, all: [{department: B}]}, assignments: {deny: [SPE_E33]}")]
    )
    for arguments, code, level in (([], 0, "warning"), (["--strict"], 2, "error")):
        completed = call("validate", *arguments, cwd=workspace)
        assert completed.code == code
        assert [f"{level}[policy-dead]" in completed.err, f"{level}[policy-unknown-product]" in completed.err] == [
            True,
            True,
        ]
    completed = call("audit", "--snapshot", fleet, "--as-of", AS_OF, "-f", "json=-", cwd=workspace)
    assert (completed.code, '"policy.unknown-product"' in completed.text) == (0, True)


def test_pattern_that_matches_no_known_product_is_a_warning(workspace: Path, demo: Path) -> None:
    patterns = "[VISO*, visio*, CONTOSO_SHELF*]"
    write_policies(workspace, [policy(f"assignments: {{deny: {patterns}}}")])
    completed = call("validate", cwd=workspace)
    assert (completed.code, completed.err.count("warning[policy-unknown-pattern]")) == (0, 2)
    assert "matches the pattern 'VISO*'" in completed.err
    strict = call("validate", "--strict", cwd=workspace)
    assert (strict.code, strict.err.count("error[policy-unknown-pattern]")) == (2, 2)
    audited = call("audit", "--snapshot", demo, "--as-of", AS_OF, "-f", "json=-", cwd=workspace)
    assert audited.err.count("warning[policy-unknown-pattern]") == 1, "one pattern matches a product of a tenant"
    assert "matches the pattern 'VISO*'" in audited.err
    assert "policy.unknown" not in audited.text


def test_unknown_names_are_shown_below_the_headline(workspace: Path, demo: Path) -> None:
    write_policies(workspace, [policy("assignments: {deny: [VISO]}")])
    formats = ("-f", "terminal=-", "-f", "markdown=summary.md", "-f", "html=page.html")
    headline, below, *_ = call("audit", "--snapshot", demo, "--as-of", AS_OF, *formats, cwd=workspace).text.splitlines()
    assert headline == "Everything complies with the policies."
    sentence = "Neither the tenant nor the product catalogue has the product "
    assert below.strip() == f"{sentence}'VISO'"
    assert (workspace / "summary.md").read_text().splitlines()[2].startswith(f"⚠️ {sentence}")
    page = (workspace / "page.html").read_text()
    assert page.index("<h1>Everything complies") < page.index(sentence) < page.index("Every source that")


def test_product_names_with_leading_or_trailing_blanks_are_reported_as_unknown(workspace: Path, fleet: Path) -> None:
    """A leading or trailing blank, also an invisible one, makes it another name."""
    names = "[' SPE_E3', \"SPE_E3\\u00a0\", {withService: 'TEAMS1 '}]"
    write_policies(workspace, [policy(f"assignments: {{deny: {names}}}")])
    completed = call("validate", "--strict", cwd=workspace)
    assert (completed.code, completed.err.count("error[")) == (2, 3)
    assert completed.err.count("did you mean 'SPE_E3'?") == 2
    assert "did you mean 'TEAMS1'?" in completed.err
    completed = call("audit", "--snapshot", fleet, "--as-of", AS_OF, "-f", "json=-", cwd=workspace)
    subjects = [notice["subject"] for tenant in json.loads(completed.text)["tenants"] for notice in tenant["notices"]]
    assert subjects[:3] == [" SPE_E3", "SPE_E3\u00a0", "TEAMS1 "]


def test_product_set_in_other_letter_case_is_suggested(workspace: Path) -> None:
    sets = "products: {Suites: [SPE_E3]}\nprices: {currency: EUR, perSeatPerMonth: {suites: 5}}\n"
    write_policies(workspace, [policy("assignments: {deny: [suites, FREE]}") + sets])
    completed = call("validate", cwd=workspace)
    assert completed.err.count("warning[policy-unknown-product]") == 3
    assert (
        completed.err.count("did you mean 'Suites'?") == 1
    )  # a key of `prices` must be a product, so the set is not suggested
    assert "did you mean 'free'?" in completed.err


@pytest.mark.slow
def test_quiet_validate_prints_errors_only(workspace: Path) -> None:
    write_policies(workspace, [policy("assignments: {deny: [SPE_E33]}")])
    quiet = call("validate", "-q", cwd=workspace)
    assert (quiet.code, quiet.out, quiet.err) == (0, b"", "")
    assert "warning[policy-unknown-product]" in call("validate", cwd=workspace).err
    strict = call("validate", "-q", "--strict", cwd=workspace)
    assert (strict.code, "error[policy-unknown-product]" in strict.err) == (2, True)


def test_validate_checks_waiver_duration_from_its_as_of_date(workspace: Path) -> None:
    write_policies(workspace, [policy() + waiver() + "defaults: {waiverMaxDays: 30}\n"])
    assert call("validate", "--as-of", "2026-12-02", cwd=workspace).code == 0
    assert call("validate", "--as-of", "2026-12-01", cwd=workspace).code == 2
    assert call("validate", cwd=workspace, SOURCE_DATE_EPOCH="1796169600").code == 0  # 2 December 2026
    assert call("validate", cwd=workspace, SOURCE_DATE_EPOCH="1796083200").code == 2


def test_unusual_but_valid_policy_files_are_accepted(workspace: Path) -> None:
    """Country code NO (Norway), a byte order mark, CRLF line ends, `*` in a list, and `free` in several files."""
    write_policies(
        workspace,
        [
            policy("users: {usageLocation: NO}, " + ALLOW).replace("\n", "\r\n"),
            "products: {free: [SPE_F1]}\n",
            "products: {free: [SPE_E3]}\n",
            waiver(policies="['*']"),
        ],
    )
    first = workspace / "policies" / "0.yaml"
    first.write_bytes(b"\xef\xbb\xbf" + first.read_bytes())
    expect(0, "validate", "--strict", "--as-of", AS_OF, cwd=workspace)
