"""`extends`: pinned content, changes to policies of the base, and the location of every error."""

from collections.abc import Mapping

import pytest

from auditor.domain.enums import Severity
from auditor.domain.errors import Diagnostic, InputError, UsageError
from auditor.domain.message import Message
from auditor.domain.policy.model import Bound, Policy, Seats
from auditor.policy.documents import digest_of
from auditor.policy.extends import Base, Bases
from auditor.policy.loader import Loaded, load
from auditor.policy.yaml.reader import parse

LIBRARY = """version: 1
populations: {staff: {userType: Member}}
products: {suites: [SPE_E3], office: [suites, VISIOCLIENT]}
policies:
  - {id: spare, severity: low, title: Spare, seats: {of: office, spare: {min: 2, max: 10%}}}
  - {id: guests, severity: medium, users: {userType: Guest, accountEnabled: true}, assignments: {of: paid, allow: []}}
  - {id: staff-e5, severity: high, users: staff, assignments: {deny: [SPE_E5]}}
"""


def pin(text: str) -> str:
    return digest_of([parse(text, file="x")])


def bases(files: Mapping[str, str], version: str | None = None) -> Bases:
    """Return a function that finds a base in `files` by its location."""

    def find(_: str, path: str) -> Base:
        if path.partition("@")[0] not in files:
            raise UsageError("policies-missing", Message("there is no folder {location}", location=path), hint=None)
        name = path.partition("@")[0]
        return Base(files=((f"{name}/p.yaml", files[name].encode()),), version=version if "@" in path else None)

    return find


def loaded(changes: str = "", *, digest: str | None = None, path: str = "../base", rest: str = "") -> Loaded:
    """Load a file that extends the library."""
    pinned_digest = pin(LIBRARY) if digest is None else digest
    text = f"version: 1\nextends:\n  from: {path}\n  digest: {pinned_digest}\n{changes}{rest}"
    return load([("our/p.yaml", text.encode())], bases=bases({"../base": LIBRARY, "starter": LIBRARY}, "1.2.3"))


def policy(loaded_policies: Loaded, id_: str) -> Policy:
    return next(policy for policy in loaded_policies.policies.policies if policy.id == id_)


def errors_of(*arguments: str, **more: str) -> list[tuple[str, str]]:
    """Return the location and slug of every error."""
    with pytest.raises(InputError) as caught:
        loaded(*arguments, **more)
    return [(position(diagnostic), diagnostic.slug) for diagnostic in caught.value.diagnostics]


def position(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    assert span is not None
    return f"{span.file}:{span.line}:{span.column}"


def test_extended_policies_equal_policies_written_directly() -> None:
    extended, direct = loaded(), load([("base/p.yaml", LIBRARY.encode())])
    assert [item.spec for item in extended.policies.policies] == [item.spec for item in direct.policies.policies]
    assert extended.policies.definitions == direct.policies.definitions
    assert policy(extended, "spare").span.file == "../base/p.yaml"
    assert len(extended.documents) == 1


def test_policies_can_use_the_names_of_the_base() -> None:
    rest = "policies: [{id: mine, severity: low, users: staff, assignments: {deny: office}}]\n"
    assert [item.id for item in loaded(rest=rest).policies.policies] == ["guests", "mine", "spare", "staff-e5"]


def test_change_affects_only_the_named_keys_and_policies() -> None:
    changed = loaded(
        "  policies:\n"
        "    spare: {severity: critical, owner: o@contoso.example, status: report-only, seats: {spare: {max: 3%}}}\n"
        "    guests: {users: {userType: Guest}}\n"
    )
    spare = policy(changed, "spare")
    assert (spare.severity, spare.owner, spare.report_only, spare.title) == (
        *(Severity.CRITICAL, "o@contoso.example", True),
        "Spare",
    )
    assert isinstance(spare.constraint, Seats)
    assert spare.constraint.minimum == Bound(seats=2, written="2")
    assert spare.constraint.maximum is not None
    assert spare.constraint.maximum.percent == 3
    assert policy(changed, "guests").spec["users"] == {"userType": "Guest"}
    assert policy(changed, "staff-e5") == policy(loaded(), "staff-e5")
    assert changed.changed == {"spare": "our/p.yaml", "guests": "our/p.yaml"}


def test_null_removes_a_bound() -> None:
    spare = policy(loaded("  policies: {spare: {seats: {spare: {max: null}}}}\n"), "spare").constraint
    assert isinstance(spare, Seats)
    assert spare.maximum is None


def test_leave_out_removes_policies() -> None:
    assert [item.id for item in loaded("  leaveOut: [guests, spare]\n").policies.policies] == ["staff-e5"]


def test_leave_out_removes_policies_from_waivers_of_the_base() -> None:
    """A waiver for a policy that is left out cannot be corrected by the extending file."""
    terms = "reason: r, owner: o, expires: 2027-01-01"
    base = (
        f"{LIBRARY}waivers:\n  - {{id: A, policies: [spare], {terms}}}\n"
        f"  - {{id: B, policies: [guests, spare, gone], {terms}}}\n  - {{id: C, policies: '*', {terms}}}\n"
    )

    def extended(left_out: str, text: str) -> Loaded:
        changes = f"version: 1\nextends: {{from: ../base, digest: '{pin(text)}', leaveOut: {left_out}}}\n"
        return load([("our/p.yaml", changes.encode())], bases=bases({"../base": text}))

    waivers = extended("[spare]", base.replace(", gone", "")).policies.waivers
    assert [(waiver.id, waiver.policies) for waiver in waivers] == [("B", ("guests",)), ("C", None)]
    assert [waiver.span.line for waiver in waivers] == [10, 11]
    with pytest.raises(InputError) as caught:
        extended("[spare]", base)
    assert [position(item) for item in caught.value.diagnostics] == ["../base/p.yaml:10:39"]
    own = f"{{id: D, policies: [spare], {terms}}}"
    assert errors_of("  leaveOut: [spare]\n", rest=f"waivers: [{own}]\n") == [
        ("our/p.yaml:6:30", "waiver-unknown-policy")
    ]


def test_products_and_populations_are_replaced_for_every_policy_that_uses_them() -> None:
    changed = loaded("  populations: {staff: {department: Sales}}\n  products: {suites: [SPE_F1]}\n")
    definitions = changed.policies.definitions
    assert definitions["populations"] == {"staff": {"department": "Sales"}}
    assert definitions["products"]["suites"] == ["SPE_F1"]
    assert {mention.name for mention in changed.policies.mentions} >= {"SPE_F1"}
    assert "SPE_E3" not in {mention.name for mention in changed.policies.mentions}


def test_digest_of_the_policy_set_includes_the_changes() -> None:
    assert loaded().policies.digest != loaded("  leaveOut: [guests]\n").policies.digest
    direct = load([("base/p.yaml", LIBRARY.encode())]).policies.digest
    assert loaded().policies.digest != direct


def test_digest_ignores_comments_and_layout() -> None:
    files = {"../base": LIBRARY.replace("\n", "\r\n") + "# a remark\r\n"}
    text = f"version: 1\nextends: {{from: ../base, digest: '{pin(LIBRARY)}'}}\n"
    assert len(load([("our/p.yaml", text.encode())], bases=bases(files)).policies.policies) == 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("  leaveOut: [guest]\n", ("our/p.yaml:5:14", "extends-unknown")),
        ("  policies: {spar: {severity: low}}\n", ("our/p.yaml:5:14", "extends-unknown")),
        ("  leaveOut: [spare]\n  policies: {spare: {severity: low}}\n", ("our/p.yaml:6:14", "extends-unknown")),
        ("  populations: {stuff: {userType: Member}}\n", ("our/p.yaml:5:17", "extends-unknown")),
        ("  products: {suite: [SPE_E3]}\n", ("our/p.yaml:5:14", "extends-unknown")),
        ("  policies: {spare: {seats: {spare: {max: 300%}}}}\n", ("our/p.yaml:5:43", "policy-out-of-range")),
        ("  policies: {spare: {seats: {spare: {min: 2, maxi: 3}}}}\n", ("our/p.yaml:5:46", "policy-unknown-key")),
        ("  policies: {spare: {health: {errors: deny}}}\n", ("our/p.yaml:5:22", "policy-several-constraints")),
        ("  policies: {spare: {id: other}}\n", ("our/p.yaml:5:22", "policy-unknown-key")),
        ("  policies: {spare: {severity: hihg}}\n", ("our/p.yaml:5:32", "policy-bad-value")),
        ("  policies: {guests: {assignments: {allow: null}}}\n", ("our/p.yaml:5:36", "policy-empty")),
        ("  policies: {guests: {users: staf}}\n", ("our/p.yaml:5:30", "policy-unknown-population")),
        ("  without: [spare]\n", ("our/p.yaml:5:3", "policy-unknown-key")),
    ],
)
def test_error_in_a_change_is_reported_at_its_location(changes: str, expected: tuple[str, str]) -> None:
    assert errors_of(changes) == [expected]


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        ("sha256:" + "0" * 64, ("our/p.yaml:4:11", "extends-digest")),
        ("sha256:abc", ("our/p.yaml:4:11", "policy-bad-value")),
    ],
)
def test_wrong_digest_is_refused(digest: str, expected: tuple[str, str]) -> None:
    assert errors_of(digest=digest) == [expected]


def test_hint_for_a_missing_digest_has_the_line_to_add() -> None:
    text = "version: 1\nextends:\n  from: ../base\n"
    with pytest.raises(InputError) as caught:
        load([("our/p.yaml", text.encode())], bases=bases({"../base": LIBRARY}))
    [diagnostic] = caught.value.diagnostics
    assert (position(diagnostic), diagnostic.slug) == ("our/p.yaml:3:3", "extends-digest")
    assert str(diagnostic.hint) == f"write `digest: {pin(LIBRARY)}`"


def test_library_must_have_the_installed_version() -> None:
    assert len(loaded(path="starter@1.2.3").policies.policies) == 3
    assert errors_of("  leaveOut: [gone]\n", path="starter@1.0.0") == [("our/p.yaml:3:9", "extends-version")]


@pytest.mark.parametrize("name", ["/etc", "https://x.example/", "starter", "base", "..\\base", "C:/base"])
def test_base_must_be_the_library_or_a_relative_folder(name: str) -> None:
    assert errors_of(path=f"'{name}'") == [("our/p.yaml:3:9", "policy-bad-value")]


def test_missing_base_folder_is_reported_once() -> None:
    rest = "waivers: [{id: w, policies: [guests], reason: r, owner: o, expires: 2027-01-01}]\npolicies: [{id: m, severity: low, users: staff, assignments: {deny: office}}]\n"
    assert errors_of(path="../gone", rest=rest) == [("our/p.yaml:3:9", "extends-missing")]


def test_duplicate_of_an_extended_policy_has_a_hint_about_changes() -> None:
    rest = "policies: [{id: guests, severity: low, assignments: {deny: [SPE_E5]}}]\nproducts: {suites: [SPE_E5]}\n"
    with pytest.raises(InputError) as caught:
        loaded(rest=rest)
    by_slug = {diagnostic.slug: (position(diagnostic), str(diagnostic.hint)) for diagnostic in caught.value.diagnostics}
    assert by_slug["policy-duplicate-id"][0] == "our/p.yaml:5:17"
    assert "from `extends`: change it there in `policies`" in by_slug["policy-duplicate-id"][1]
    assert "from `extends`: replace it there in `products`" in by_slug["policy-duplicate-name"][1]


def test_base_can_extend_another_base_and_both_can_be_changed() -> None:
    middle = f"version: 1\nextends: {{from: starter@1.2.3, digest: '{pin(LIBRARY)}', leaveOut: [spare]}}\npolicies: [{{id: own, severity: low, assignments: {{deny: [SPE_E5]}}}}]\n"
    top = f"version: 1\nextends: {{from: ../mid, digest: '{pin(middle)}', policies: {{guests: {{severity: info}}, own: {{severity: high}}}}}}\n"
    changed = load([("our/p.yaml", top.encode())], bases=bases({"../mid": middle, "starter": LIBRARY}, "1.2.3"))
    assert {item.id: item.severity.value for item in changed.policies.policies} == {
        "guests": "info",
        "own": "high",
        "staff-e5": "high",
    }
    unpinned = {"../mid": middle, "starter": LIBRARY.replace("severity: low", "severity: info")}
    with pytest.raises(InputError) as caught:
        load([("our/p.yaml", top.replace("own:", "missing:").encode())], bases=bases(unpinned, "1.2.3"))
    assert [diagnostic.slug for diagnostic in caught.value.diagnostics] == ["extends-digest"]


def test_base_cannot_be_extended_twice_or_by_itself() -> None:
    text = f"version: 1\nextends: {{from: ../base, digest: '{pin(LIBRARY)}'}}\n".encode()
    with pytest.raises(InputError) as caught:
        load([("a.yaml", text), ("b.yaml", text)], bases=bases({"../base": LIBRARY}))
    assert [diagnostic.slug for diagnostic in caught.value.diagnostics] == ["extends-twice"]
    with pytest.raises(InputError) as caught:
        load([("../base/p.yaml", text)], bases=bases({"../base": LIBRARY}))
    assert [diagnostic.slug for diagnostic in caught.value.diagnostics] == ["extends-circular"]


def test_extends_is_refused_without_bases() -> None:
    with pytest.raises(InputError) as caught:
        load([("result.json", b"version: 1\nextends: {from: ../base}\n")])
    assert [diagnostic.slug for diagnostic in caught.value.diagnostics] == ["extends-missing"]
