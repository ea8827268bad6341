"""All errors of all policy files are reported together, without errors about names that a broken part may define."""

from pathlib import Path

from tests.builders.service.command_line import expect


def mistakes(folder: Path, **files: str) -> list[str]:
    """Return `file:line:column slug` of every error in the policy files."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    completed = expect(2, "validate", *(f"{name}.yaml" for name in files), cwd=folder)
    lines = [line for line in completed.err.splitlines() if ": error[" in line]
    return [f"{line.split(': error[')[0]} {line.split('[')[1].split(']')[0]}" for line in lines]


def test_semantic_and_structural_errors_of_a_file_are_reported_together(tmp_path: Path) -> None:
    reported = mistakes(
        tmp_path,
        a="""version: 1
polices: []
populations: {x: {department: 5}, loop: {population: loop}}
products: {p: {a: 1}, q: [q]}
policies:
  - {id: one, severity: hihg, assignments: {deny: [SPE_E5]}}
  - {id: two, severity: high, seats: {spare: {min: 6, max: 5}}}
  - {id: two, severity: high, users: x, assignments: {deny: [SPE_E5]}}
waivers:
  - {id: w, policies: [one], reason: r, owner: o, expires: 2027-02-30}
  - {id: v, policies: [two], reason: r, owner: o}
""",
    )
    assert reported == [
        "a.yaml:2:1 policy-unknown-key",
        "a.yaml:3:31 policy-wrong-type",
        "a.yaml:3:41 policy-circular-name",
        "a.yaml:4:15 policy-missing-key",
        "a.yaml:4:16 policy-unknown-key",
        "a.yaml:4:26 policy-circular-name",
        "a.yaml:6:25 policy-bad-value",
        "a.yaml:7:52 policy-min-above-max",
        "a.yaml:8:10 policy-duplicate-id",
        "a.yaml:10:60 policy-bad-date",
        "a.yaml:11:5 policy-missing-key",
    ]


def test_semantic_and_structural_errors_of_a_policy_or_waiver_are_reported_together(tmp_path: Path) -> None:
    reported = mistakes(
        tmp_path,
        a="""version: 1
populations: {frontline: {department: Store}}
policies:
  - {id: a, severity: hihg, users: frontlin, assignments: {deny: paid}}
  - {id: b, severity: low, seats: {spare: {min: 6, max: 5}}, extra: 1}
  - {id: a, severity: low, users: {population: nobody}, seats: {spare: {min: 1.5}}}
  - {id: C, users: nobody, seats: {}}
waivers:
  - {id: w, policies: [nope], reason: r, owner: o}
  - {id: w, policies: [a], users: somebody, reason: r, expires: soon}
  - {id: v, policies: 5, users: somebody, reason: r, owner: o, expires: 2027-02-30}
""",
    )
    assert reported == [
        "a.yaml:4:23 policy-bad-value",
        "a.yaml:4:36 policy-unknown-population",
        "a.yaml:5:49 policy-min-above-max",
        "a.yaml:5:62 policy-unknown-key",
        "a.yaml:6:10 policy-duplicate-id",
        "a.yaml:6:48 policy-unknown-population",
        "a.yaml:6:78 policy-wrong-type",
        "a.yaml:7:5 policy-missing-key",
        "a.yaml:7:10 policy-bad-value",
        "a.yaml:7:35 policy-empty",
        "a.yaml:9:5 policy-missing-key",
        "a.yaml:9:24 waiver-unknown-policy",
        "a.yaml:10:5 policy-missing-key",
        "a.yaml:10:10 waiver-duplicate-id",
        "a.yaml:10:35 policy-unknown-population",
        "a.yaml:10:65 policy-bad-value",
        "a.yaml:11:23 policy-wrong-type",
    ]


def test_names_that_a_broken_part_may_define_are_not_reported_as_unknown(tmp_path: Path) -> None:
    users = "version: 1\npolicies:\n  - {id: b, severity: low, users: x, assignments: {deny: [SPE_E5]}}\n"
    waiver = "waivers: [{id: w, policies: [a], reason: r, owner: o, expires: 2027-01-01}]\n"
    broken = "version: 1\npopulations: {x: {departement: a}}\npolicies:\n  - {id: a, assignments: {deny: [SPE_E5]}}\n"
    assert mistakes(tmp_path, a=broken, b=users + waiver) == [
        "a.yaml:2:19 policy-unknown-property",
        "a.yaml:4:5 policy-missing-key",
    ]
    other = "version: 1\npopulation: {x: {department: a}}\npolicies: 5\n"
    assert mistakes(tmp_path, a=other, b=users + waiver) == [
        "a.yaml:2:1 policy-unknown-key",
        "a.yaml:3:11 policy-wrong-type",
    ]
    unknown = users.replace("users: x", "users: y") + waiver.replace("[a]", "[c]")
    assert mistakes(tmp_path, a=broken, b=unknown)[2:] == [
        "b.yaml:3:35 policy-unknown-population",
        "b.yaml:4:30 waiver-unknown-policy",
    ]


def test_errors_of_a_file_without_any_valid_part_are_reported(tmp_path: Path) -> None:
    assert mistakes(tmp_path, a="version: 2\npolicies: 5\n") == [
        "a.yaml:1:10 policy-version",
        "a.yaml:2:11 policy-wrong-type",
    ]
    assert mistakes(tmp_path, a="[1]\n") == ["a.yaml:1:1 policy-wrong-type"]
