"""Suggestions for mistyped names of products, product sets, commands, options, keys and ids."""

import re
from pathlib import Path

import pytest

from tests.builders.service.command_line import call, expect

POLICY = """\
version: 1
products: {visio: [VISIOCLIENT, VISIOONLINE_PLAN1]}
policies:
- {id: p, severity: high, assignments: {deny: [NAME]}}
"""


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Microsoft 365 F3", "did you mean 'SPE_F1' (Microsoft 365 F3)?"),
        ("ENTERPRISPACK", "did you mean 'ENTERPRISEPACK' (Office 365 E3)?"),
        ("visoo", "did you mean 'visio'?"),
        ("E3", "similar products: ENTERPRISEPACK (Office 365 E3), SPE_E3 (Microsoft 365 E3), "),
        ("contoso-visio", "search for it with `auditor products visio`, or update the catalogue"),
        ("SPE_E3 SPE_E5", "write a list: [SPE_E3, SPE_E5]"),
        ("none", "write [] for no product"),
        ("nothing-such", "`auditor products` lists all products; "),
        ("{withService: nothing-such}", "`auditor products PART_NUMBER --json` shows the services of a product"),
        ("'VISO*'", "similar products: VISIOCLIENT (Visio Plan 2), "),
        ("'Visio Plan*'", "patterns are compared with part numbers, not with names: VISIO_PLAN1_DEPT (Visio Plan 1), "),
        ("{withService: TEAMS11}", "did you mean 'TEAMS1'?"),
    ],
)
def test_validate_suggests_products_for_an_unknown_product(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / "p.yaml").write_text(POLICY.replace("NAME", name))
    completed = call("validate", "p.yaml", cwd=tmp_path)
    assert f"   = help: {hint}" in completed.err


def test_validate_suggests_the_role_of_an_admin(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        POLICY.replace("{deny: [NAME]}", "{deny: [visio]}, users: {hasRole: Global Admin}")
    )
    assert "did you mean 'Global Administrator'?" in call("validate", "p.yaml", cwd=tmp_path).err


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("policies", "{update} [POLICY ...]"),
        ("prices", "{import} FILE"),
        ("products", "auditor products update FILE_OR_URL"),
        ("store", "{put,list,check,prune,get} STORE [PATH_OR_TENANT ...]"),
        ("history", "[LOCATION ...]"),
    ],
)
def test_usage_lists_actions_and_arguments(tmp_path: Path, command: str, usage: str) -> None:
    completed = call(command, "--help", cwd=tmp_path)
    assert usage in " ".join(completed.text.split("\n\n")[0].split())


def test_usage_of_products_lists_every_option(tmp_path: Path) -> None:
    usage, options = call("products", "--help", cwd=tmp_path).text.split("options:")
    of_every_command = {"--help", "--verbose", "--no-color"}
    assert set(re.findall(r"--[\w-]+", options)) - of_every_command == set(re.findall(r"--[\w-]+", usage))


@pytest.mark.parametrize(("text", "part_number"), [("Microsoft 365 F3", "SPE_F1"), ("ENTERPRISPACK", "ENTERPRISEPACK")])
def test_products_search_finds_names_and_suggests_similar_products(tmp_path: Path, text: str, part_number: str) -> None:
    completed = call("products", *text.split(), cwd=tmp_path)
    assert completed.text.splitlines()[1].startswith(f"{part_number}\t")
    assert ("similar products" in completed.err) == (text == "ENTERPRISPACK")


@pytest.mark.parametrize(
    ("command_line", "suggestion"),
    [
        (("adit",), "audit"),
        (("lint",), "validate"),
        (("audit", "--tenent", "contoso"), "--tenant"),
        (("validate", "--strct"), "--strict"),
        (("preview", "--bsae", "main"), "--base"),
        (("waive", "6637f361", "--untill=2027-01-31"), "--until"),
        (("waive", "6637f361", "--expires", "2027-01-31"), "--until"),
        (("audit", "--json"), "--format"),
        (("store", "--loacle", "nl", "list"), "--locale"),
        (("audit", "--engine", "sprak"), "spark"),
    ],
)
def test_mistyped_commands_options_and_choices_are_suggested_in_the_readers_language(
    tmp_path: Path, command_line: tuple[str, ...], suggestion: str
) -> None:
    completed = expect(2, *command_line, cwd=tmp_path)
    program = "auditor" if len(command_line) == 1 else f"auditor {command_line[0]}"
    more = f"\nFor more information, try '{program} --help'.\n"
    assert completed.err.startswith(f"{program}: error: ")
    assert completed.err.endswith(f"   = help: did you mean '{suggestion}'?\n{more}")
    completed = call(*command_line, cwd=tmp_path, LANG="nl_NL.UTF-8")
    assert f"bedoelde u '{suggestion}'?\n\nMeer informatie: " in completed.err


@pytest.mark.parametrize("option", ["--policies", "--severity"])
def test_no_option_is_suggested_if_none_is_similar(tmp_path: Path, option: str) -> None:
    assert "= help:" not in expect(2, "audit", option, "x", cwd=tmp_path).err


def test_each_of_several_mistyped_options_is_suggested_in_the_readers_language(tmp_path: Path) -> None:
    command_line = ("plan", "--ouput", "out", "--formta=json", "--nothing-such", "--ouput=more")
    completed = expect(2, *command_line, cwd=tmp_path)
    assert completed.err == (
        "auditor plan: error: unrecognized arguments: --ouput --formta=json --nothing-such --ouput=more\n"
        "   = help: did you mean '--output' instead of '--ouput'?\n"
        "   = help: did you mean '--format' instead of '--formta'?\n"
        "\nFor more information, try 'auditor plan --help'.\n"
    )
    completed = call(*command_line, cwd=tmp_path, LANG="nl_NL.UTF-8")
    for option in ("'--output' in plaats van '--ouput'", "'--format' in plaats van '--formta'"):
        assert f"bedoelde u {option}?\n" in completed.err


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [("group", "memberOf"), ("licence", "holds"), ("enabled", "accountEnabled"), ("lastSignIn", "inactiveFor")],
)
def test_mistyped_selector_keys_are_suggested(tmp_path: Path, key: str, suggestion: str) -> None:
    (tmp_path / "p.yaml").write_text(
        f"version: 1\npolicies:\n- {{id: p, severity: low, users: {{{key}: x}}, assignments: {{require: [SPE_E3]}}}}\n"
    )
    completed = call("validate", "p.yaml", cwd=tmp_path)
    assert f"did you mean '{suggestion}'?" in completed.err
    assert "allowed here" not in completed.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("SPE_E55", "SPE_E5"),
        ("assignment.redundnt", "assignment.redundant"),
        ("move-user", "move-users"),
        ("countviolaton", "CountViolation"),
    ],
)
def test_explain_suggests_ids(tmp_path: Path, name: str, suggestion: str) -> None:
    (tmp_path / "p.yaml").write_text(POLICY.replace("NAME", "SPE_E5"))
    completed = expect(2, "explain", name, "p.yaml", cwd=tmp_path)
    assert f"did you mean {suggestion}" in completed.err
    assert "messages.md" not in completed.err


def test_explain_uses_the_id_of_a_policy_without_a_title(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY.replace("NAME", "SPE_E5"))
    assert call("explain", "p", "p.yaml", cwd=tmp_path).text.splitlines()[0] == "# p"
