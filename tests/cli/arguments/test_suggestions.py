"""What a mistyped name was probably meant to be: products, sets, commands, options, keys, ids."""

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
        ("Office 365 E3", "did you mean 'ENTERPRISEPACK' (Office 365 E3)?"),
        ("ENTERPRISPACK", "did you mean 'ENTERPRISEPACK' (Office 365 E3)?"),
        ("SPE_E55", "did you mean 'SPE_E5' (Microsoft 365 E5)?"),
        ("visoo", "did you mean 'visio'?"),
        ("E3", "similar products: ENTERPRISEPACK, SPE_E3, "),
        ("{withService: TEAMS11}", "did you mean 'TEAMS1'?"),
    ],
)
def test_an_unknown_product_is_answered_with_the_best_one_first(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / "p.yaml").write_text(POLICY.replace("NAME", name))
    ran = call("validate", "p.yaml", cwd=tmp_path)
    assert f"   = help: {hint}" in ran.err


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("policies", "{update} [POLICY ...]"),
        ("prices", "{import} FILE"),
        ("products", "auditor products update FILE_OR_URL"),
        ("store", "{put,list,check,prune,get} STORE [PATH_OR_TENANT ...]"),
        ("history", "LOCATION [LOCATION ...]"),
    ],
)
def test_the_usage_names_actions_and_arguments(tmp_path: Path, command: str, usage: str) -> None:
    ran = call(command, "--help", cwd=tmp_path)
    assert usage in " ".join(ran.text.split("\n\n")[0].split())


def test_the_usage_of_products_names_every_option(tmp_path: Path) -> None:
    usage, options = call("products", "--help", cwd=tmp_path).text.split("options:")
    assert set(re.findall(r"--\w+", options)) - {"--help", "--verbose"} == set(re.findall(r"--\w+", usage))


@pytest.mark.parametrize(("text", "part"), [("Microsoft 365 F3", "SPE_F1"), ("ENTERPRISPACK", "ENTERPRISEPACK")])
def test_products_finds_by_the_same_rule(tmp_path: Path, text: str, part: str) -> None:
    ran = call("products", *text.split(), cwd=tmp_path)
    assert ran.text.splitlines()[1].startswith(f"{part}\t")
    assert ("similar products" in ran.err) == (text == "ENTERPRISPACK")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (("adit",), "audit"),
        (("audit", "--tenent", "contoso"), "--tenant"),
        (("validate", "--strct"), "--strict"),
        (("audit", "--engine", "sprak"), "spark"),
    ],
)
def test_commands_options_and_choices(tmp_path: Path, line: tuple[str, ...], meant: str) -> None:
    ran = expect(2, *line, cwd=tmp_path)
    assert ran.err.endswith(f"   = help: did you mean '{meant}'?\n")
    ran = call(*line, cwd=tmp_path, LANG="nl_NL.UTF-8")
    assert ran.err.endswith(f"bedoelde u '{meant}'?\n")


@pytest.mark.parametrize(
    ("key", "meant"),
    [("group", "memberOf"), ("licence", "holds"), ("enabled", "accountEnabled"), ("lastSignIn", "inactiveFor")],
)
def test_keys_of_selectors(tmp_path: Path, key: str, meant: str) -> None:
    (tmp_path / "p.yaml").write_text(
        f"version: 1\npolicies:\n- {{id: p, severity: low, users: {{{key}: x}}, assignments: {{require: [SPE_E3]}}}}\n"
    )
    ran = call("validate", "p.yaml", cwd=tmp_path)
    assert f"did you mean '{meant}'?" in ran.err
    assert "known here" not in ran.err


@pytest.mark.parametrize(
    ("name", "meant"),
    [("SPE_E55", "SPE_E5"), ("assignment.redundnt", "assignment.redundant"), ("move-user", "move-users")],
)
def test_ids_of_explain(tmp_path: Path, name: str, meant: str) -> None:
    (tmp_path / "p.yaml").write_text(POLICY.replace("NAME", "SPE_E5"))
    ran = expect(2, "explain", name, "p.yaml", cwd=tmp_path)
    assert f"did you mean {meant}" in ran.err


def test_a_policy_without_a_title_is_explained_by_its_id(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY.replace("NAME", "SPE_E5"))
    assert call("explain", "p", "p.yaml", cwd=tmp_path).text.splitlines()[0] == "# p"
