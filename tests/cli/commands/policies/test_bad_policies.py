"""Every mistake in a policy file: exit 2, one message with its place, and nothing written."""

import json
from pathlib import Path

import pytest

from tests.builders.service.command_line import AS_OF, Ran, call, contents, expect

ALLOW = "assignments: {of: paid, allow: []}"


def policy(rest: str = ALLOW) -> str:
    return f"policies: [{{id: a, severity: high, {rest}}}]\n"


def spare(bounds: str) -> list[str]:
    return [policy(f"seats: {{spare: {bounds}}}")]


def waiver(rest: str = "expires: 2027-01-01", policies: str = "[a]", name: str = "w") -> str:
    return f"waivers: [{{id: {name}, policies: {policies}, reason: r, owner: o, {rest}}}]\n"


def prices(price: str, currency: str = "EUR") -> str:
    return f"prices: {{currency: {currency}, perSeatPerMonth: {{{price}}}}}\n"


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]\n" for last, name in zip("abcde", "bcdef", strict=True)
)

WRONG = [
    ([policy("users: {usageLocation: false}, " + ALLOW)], "policy-wrong-type", "write 'false' in quotes"),
    ([policy("users: {accountEnabled: no}, " + ALLOW)], "policy-wrong-type", "write false, without quotes"),
    ([policy("users: {department: 5}, " + ALLOW)], "policy-wrong-type", "write '5' in quotes"),
    ([policy("users: {departmnt: Store}, " + ALLOW)], "policy-unknown-property", "did you mean 'department'?"),
    ([policy("users: {inactiveFor: 90}, " + ALLOW)], "policy-wrong-type", "90d"),
    ([policy("users: {createdDateTime: {before: 2026-02-30}}, " + ALLOW)], "policy-bad-date", "2026-11-20"),
    ([policy("users: {createdDateTime: '0001-01-01T00:00:00+14:00'}, " + ALLOW)], "policy-bad-date", "2026-11-20"),
    ([policy(ALLOW + ", severity: low")], "yaml-duplicate-key", "keep one of them"),
    ([policy("users: {department: !!python/name:os.system x}, " + ALLOW)], "yaml-tag", "leave it out"),
    ([BOMB], "yaml-too-large", "aliases count"),
    (["# " + "x" * (1 << 20) + "\n" + policy()], "yaml-too-large", "split the file"),
    (["products: {a: " + "[" * 99 + "]" * 99 + "}"], "yaml-too-deep", "64 deep"),
    ([policy() + "---\nversion: 1\n"], "yaml-several-documents", "split the file"),
    (["x: &x {a: 1}\ny: {<<: *x}\n"], "yaml-merge-key", "define a population"),
    (["policies:\n\t- id: a\n"], "yaml-syntax", "tab"),
    ([policy("title: caf\udce9, " + ALLOW)], "yaml-encoding", "UTF-8"),
    ([policy("title: a\x07b, " + ALLOW)], "yaml-character", "U+0007"),
    (["- 1\n"], "yaml-syntax", "indent"),
    (["polices: []\n"], "policy-unknown-key", "did you mean 'policies'?"),
    ([policy("assignments: {}")], "policy-empty", "at least one of"),
    ([policy("users: {}")], "policy-no-constraint", "give one of"),
    ([policy(ALLOW + ", health: {errors: deny}")], "policy-several-constraints", "one policy for each"),
    ([policy().replace("high", "urgent")], "policy-bad-value", "one of: critical"),
    ([policy().replace("id: a", "id: A_b")], "policy-bad-value", "write 'a-b'"),
    (spare("{min: 1.5}"), "policy-wrong-type", "5%"),
    (spare("{min: -1}"), "policy-out-of-range", "at least 0"),
    (spare("{min: true}"), "policy-wrong-type", "5%"),
    (spare("{max: 101%}"), "policy-out-of-range", "100%"),
    (spare("{max: {percent: 101, seats: 1}}"), "policy-out-of-range", "at most 100"),
    (spare("{min: 5, max: 3}"), "policy-min-above-max", "raise `max`"),
    (spare("{min: 5.5%, max: 5%}"), "policy-min-above-max", "raise `max`"),
    ([policy("seats: {assigned: {max: 2.5}}")], "policy-wrong-type", "number of people"),
    ([policy("budget: {limit: -1}")], "policy-out-of-range", "at least 0"),
    ([policy(), policy()], "policy-duplicate-id", "the first is at policies/0.yaml:2"),
    (["populations: {x: {}}\n", "populations: {x: {}}\n" + policy()], "policy-duplicate-name", "policies/0.yaml:2"),
    (
        ["populations: {frontline: {}}\n" + policy("users: frontlin, " + ALLOW)],
        "policy-unknown-population",
        "did you mean 'frontline'?",
    ),
    (
        ["populations: {a: {not: b}, b: {any: [a]}}\n"],
        "policy-circular-name",
        "population a → population b → population a",
    ),
    (["products: {x: [y], y: [SPE_E3, x]}\n"], "policy-circular-name", "product set x → product set y → product set x"),
    (["products: {free: [paid]}\n"], "policy-circular-name", "specify the SKUs themselves"),
    (["products: {paid: [SPE_E3]}\n"], "policy-name-taken", "only `free` can be extended"),
    (["products: {'*': [SPE_E3]}\n"], "policy-name-taken", "only `free` can be extended"),
    ([policy() + waiver(policies="[b]")], "waiver-unknown-policy", "specify a policy that exists"),
    ([policy() + waiver("expires: 2027-02-30")], "policy-bad-date", "2027-01-31"),
    ([policy() + waiver("ticket: X")], "policy-missing-key", "'expires'"),
    ([policy() + waiver().replace("owner: o, ", "")], "policy-missing-key", "'owner'"),
    ([policy() + waiver().replace("reason: r, ", "")], "policy-missing-key", "'reason'"),
    ([policy() + waiver(), waiver()], "waiver-duplicate-id", "policies/0.yaml:3"),
    ([policy() + waiver() + "defaults: {waiverMaxDays: 30}\n"], "waiver-too-long", "within 30 days"),
    ([policy() + prices("SPE_E3: 1"), prices("spe_e3: 2")], "prices-duplicate", "policies/0.yaml:3"),
    ([policy() + prices("SPE_E3: 1"), prices("SPE_E5: 2", "USD")], "prices-two-currencies", "one currency"),
    ([policy() + prices("SPE_E3: -1")], "policy-out-of-range", "at least 0"),
    # Sums of what no seat costs have more digits than money is counted with.
    ([policy() + prices("SPE_E3: 1e27")], "policy-out-of-range", "at most 1000000000"),
    ([policy("budget: {limit: 1e30}")], "policy-out-of-range", "at most 1000000000000000"),
    ([policy() + prices("SPE_E3: '1'")], "policy-wrong-type", "quotes"),
]


def written(here: Path, texts: list[str]) -> Path:
    for path in (here / "policies").iterdir():
        path.unlink()
    for number, text in enumerate(texts):
        (here / "policies" / f"{number}.yaml").write_bytes(f"version: 1\n{text}".encode("utf-8", "surrogateescape"))
    return here


def both(here: Path, saved: Path) -> list[Ran]:
    return [
        call("audit", "--snapshot", saved, "--as-of", AS_OF, cwd=here),
        call("validate", "--as-of", AS_OF, cwd=here),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("texts", "slug", "help_"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_a_mistake_is_reported_once_with_its_place_and_its_correction(
    here: Path, saved: Path, texts: list[str], slug: str, help_: str
) -> None:
    before = contents(written(here, texts))
    for ran in both(here, saved):
        assert (ran.code, ran.out) == (2, b"")
        assert f"error[{slug}]" in ran.err
        assert ran.err.count("error[") == 1, ran.err
        assert ran.err.startswith(f"policies/{len(texts) - 1}.yaml:")
        assert help_ in ran.err
    assert contents(here) == before


def test_all_mistakes_of_all_files_are_reported_in_one_go_in_their_order(here: Path, saved: Path) -> None:
    texts = [
        policy("users: nobody, seats: {spare: {min: 5, max: 3}}"),
        policy() + waiver(policies="[zzz]") + prices("SPE_E3: 1"),
        "broken: [",
        prices("SPE_E3: 2"),
    ]
    for ran in both(written(here, texts), saved):
        locations = [line.partition(": error")[0] for line in ran.err.splitlines() if ": error[" in line]
        assert locations == sorted(
            locations, key=lambda location: [int(part) if part.isdigit() else part for part in location.split(":")]
        )
        assert [
            ran.err.count(slug)
            for slug in ("unknown-population", "min-above-max", "duplicate-id", "yaml-syntax", "prices-duplicate")
        ] == [1] * 5
        # The broken file may hold the policy that the waiver names.
        assert "waiver-unknown-policy" not in ran.err


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "version: 1\n", "null\n", "---\n"])
def test_a_file_that_says_nothing_is_a_mistake(here: Path, saved: Path, text: str) -> None:
    (here / "policies" / "empty.yaml").write_text(text)
    for ran in both(here, saved):
        assert (ran.code, ran.out) == (2, b"")
        assert ran.err.startswith("policies/empty.yaml:1:1: error[")
        assert ran.err.count("error[") == 1


def test_a_folder_without_policies_says_so(here: Path, saved: Path) -> None:
    written(here, [])
    (here / "policies" / "x_test.yaml").write_text("version: 1\ntests: []\n")
    (here / "policies" / ".hidden.yaml").write_text("nonsense")
    for ran in both(here, saved):
        assert (ran.code, "policies-none" in ran.err) == (2, True)


def test_files_that_define_no_policy_are_sound_but_audit_nothing(here: Path, saved: Path) -> None:
    audit, validate = both(written(here, ["populations: {staff: {userType: Member}}\n"]), saved)
    assert validate.code == 0
    assert (audit.code, "policies-none" in audit.err, (here / "out").exists()) == (2, True, False)


def test_a_test_of_policies_is_no_policy_file(here: Path, saved: Path) -> None:
    (here / "x_test.yaml").write_text("version: 1\ntests: []\n")
    ran = call("audit", "x_test.yaml", "--snapshot", saved, cwd=here)
    assert (ran.code, "auditor test x_test.yaml" in ran.err) == (2, True)


@pytest.mark.slow
def test_without_a_folder_the_starter_library_is_used(tmp_path: Path, demo: Path) -> None:
    expect(1, "audit", "--snapshot", demo, "--as-of", AS_OF, "-f", "json=r.json", cwd=tmp_path)
    assert '"file": "auditor.policies/capacity.yaml"' in (tmp_path / "r.json").read_text()


def test_what_is_doubtful_stops_only_a_strict_validation(here: Path, saved: Path) -> None:
    written(here, [policy("users: {department: A, all: [{department: B}]}, assignments: {deny: [SPE_E33]}")])
    for arguments, code, word in (([], 0, "warning"), (["--strict"], 2, "error")):
        ran = call("validate", *arguments, cwd=here)
        assert ran.code == code
        assert [f"{word}[policy-dead]" in ran.err, f"{word}[policy-unknown-product]" in ran.err] == [True, True]
    ran = call("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json=-", cwd=here)
    assert (ran.code, '"policy.unknown-product"' in ran.text) == (0, True)


def test_a_name_with_blanks_that_nothing_bears_is_never_a_silent_no_match(here: Path, saved: Path) -> None:
    """A blank before or behind a name, also one that no editor shows, makes it another name."""
    names = "[' SPE_E3', \"SPE_E3\\u00a0\", {withService: 'TEAMS1 '}]"
    written(here, [policy(f"assignments: {{deny: {names}}}")])
    ran = call("validate", "--strict", cwd=here)
    assert (ran.code, ran.err.count("error[")) == (2, 3)
    assert ran.err.count("did you mean 'SPE_E3'?") == 2
    assert "did you mean 'TEAMS1'?" in ran.err
    ran = call("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json=-", cwd=here)
    subjects = [notice["subject"] for tenant in json.loads(ran.text)["tenants"] for notice in tenant["notices"]]
    assert subjects[:3] == [" SPE_E3", "SPE_E3\u00a0", "TEAMS1 "]


def test_a_set_in_other_letter_case_is_what_was_meant(here: Path) -> None:
    more = "products: {Suites: [SPE_E3]}\nprices: {currency: EUR, perSeatPerMonth: {suites: 5}}\n"
    written(here, [policy("assignments: {deny: [suites, FREE]}") + more])
    ran = call("validate", cwd=here)
    assert ran.err.count("warning[policy-unknown-product]") == 3
    assert ran.err.count("did you mean 'Suites'?") == 1  # what has a price is a product
    assert "did you mean 'free'?" in ran.err


def test_validate_counts_waivers_from_its_own_day(here: Path) -> None:
    written(here, [policy() + waiver() + "defaults: {waiverMaxDays: 30}\n"])
    assert call("validate", "--as-of", "2026-12-02", cwd=here).code == 0
    assert call("validate", "--as-of", "2026-12-01", cwd=here).code == 2
    assert call("validate", cwd=here, SOURCE_DATE_EPOCH="1796169600").code == 0  # 2 December 2026
    assert call("validate", cwd=here, SOURCE_DATE_EPOCH="1796083200").code == 2


def test_what_looks_odd_and_is_right(here: Path) -> None:
    """Norway, a byte order mark, Windows' line breaks, `*` in a list, and `free` in several files."""
    written(
        here,
        [
            policy("users: {usageLocation: NO}, " + ALLOW).replace("\n", "\r\n"),
            "products: {free: [SPE_F1]}\n",
            "products: {free: [SPE_E3]}\n",
            waiver(policies="['*']"),
        ],
    )
    first = here / "policies" / "0.yaml"
    first.write_bytes(b"\xef\xbb\xbf" + first.read_bytes())
    expect(0, "validate", "--strict", "--as-of", AS_OF, cwd=here)
