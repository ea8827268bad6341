"""`--redact`: no output of any format contains the name, address or id of a person, even in compressed parts."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.demo import policies, previous, snapshots
from auditor.render import FORMATS
from auditor.snapshot.model import Snapshot
from auditor.snapshot.schema import SIGN_IN_COLUMNS
from auditor.snapshot.writer import write
from tests.builders.result.output_texts import texts
from tests.builders.service.command_line import AS_OF, call, expect
from tests.builders.tenant.tenants import bought, tenant, user
from tests.builders.tenant.tenants import path as assigned

pytestmark = pytest.mark.slow

TENANTS = """version: 1
tenants:
- name: {name}
  tenantId: {id}
  recipients: [{{address: reader@example.org, locale: en, attach: html}}]
mail: {{from: audit@example.org, send: always, smtp: {{host: 127.0.0.1, port: 9, starttls: none}}}}
"""


def names_of(*states: Snapshot) -> Iterator[str]:
    for state in states:
        for batch in state.batches(("id", "displayName", "userPrincipalName"), None):
            for row in batch.users.to_pylist():
                yield from (row["id"], row["userPrincipalName"], row["displayName"])


class People:
    """All people of the demo; finds their names, addresses and ids in a text."""

    def __init__(self, names: set[str]) -> None:
        # Names of one word, such as that of a shared mailbox, may be ordinary words of a report.
        self.names = {name for name in names if " " in name or "@" in name or "-" in name}
        self.max_words = max(len(name.split()) for name in self.names)
        self.first_words = {name.split(" ")[0] for name in self.names}

    def findall(self, text: str) -> list[str]:
        words = re.findall(r"\w(?:[\w@.'\u2019-]*\w)?", text)
        phrases = (
            " ".join(words[index : index + size])
            for index, word in enumerate(words)
            if word in self.first_words
            for size in range(1, self.max_words + 1)
        )
        return [phrase for phrase in phrases if phrase in self.names]


DIRECTORY = ("id", "displayName", "userPrincipalName", "mail", "createdDateTime", *SIGN_IN_COLUMNS)
_HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}")
_SERIAL = re.compile(r"\d{5}\.\d{4,}")
_EXCEL = datetime(1899, 12, 30, tzinfo=UTC)


class Adversary:
    """An attacker who has the directory (ids, names, addresses, times of all users) and tries to identify people."""

    def __init__(self, *states: Snapshot) -> None:
        rows = [(state, row) for state in states for row in self._rows(state)]
        self.instants = {
            value.replace(microsecond=0)
            for _, row in rows
            for value in row.values()
            if isinstance(value, datetime) and value.time() != datetime.min.time()
        }
        self.serials = {f"{(instant - _EXCEL) / timedelta(days=1):.4f}" for instant in self.instants}
        values = {
            (state.manifest.tenant_id, state.manifest.tenant, str(row[name]))
            for state, row in rows
            for name in ("id", "userPrincipalName")
            if row.get(name)
        }
        self.digests = {digest for value in values for digest in self._digests(*value)}

    def _rows(self, state: Snapshot) -> Iterator[dict[str, object]]:
        for batch in state.batches(DIRECTORY, None):
            yield from batch.users.select([name for name in DIRECTORY if name in batch.users.schema.names]).to_pylist()

    def _digests(self, tenant_id: str, tenant: str, identifier: str) -> Iterator[str]:
        """Yield the first 12 digits of common hashes of an id or address, with and without the tenant as prefix."""
        for value in {identifier, identifier.lower(), identifier.upper(), identifier.replace("-", "")}:
            for text in (
                value,
                *(f"{prefix}{sign}{value}" for prefix in (tenant_id, tenant) for sign in ("", ":", "/", "\x1f", "|")),
            ):
                for name in _HASHES:
                    yield hashlib.new(name, text.encode()).hexdigest()[:12]

    def identified(self, text: str) -> list[str]:
        """Return the hashes and instants in a text that identify a person."""
        return [
            *(token for token in re.findall(r"[0-9a-f]{12,}", text) if token[:12] in self.digests),
            *(i for i in _INSTANT.findall(text) if datetime.fromisoformat(i).replace(tzinfo=UTC) in self.instants),
            *(s for s in _SERIAL.findall(text) if f"{float(s):.4f}" in self.serials),
        ]


def fingerprints(*texts: str) -> Iterable[str]:
    """Return the fingerprints in results, which anyone with directory and policies can compute."""
    return {digest for text in texts for digest in re.findall(r"\b[0-9a-f]{32}\b", text)}


@pytest.fixture(scope="module")
def adversary() -> Adversary:
    as_of = datetime.fromisoformat(AS_OF)
    attacker = Adversary(*snapshots(as_of), *previous(as_of))
    assert len(attacker.instants) > 1000
    return attacker


@pytest.fixture(scope="module")
def unredacted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an audit and a plan without redaction."""
    folder = tmp_path_factory.mktemp("unredacted")
    call("audit", "--demo", "--as-of", AS_OF, "-f", "json,xlsx,parquet,html", "-o", ".", cwd=folder)
    call("plan", "--demo", "--as-of", AS_OF, "-f", "json", "-o", ".", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def plain_hashes(unredacted: Path) -> set[str]:
    """The fingerprints of an audit and a plan without redaction, and the ids of the plan's questions about people."""
    hashes = set(fingerprints(*(path.read_text() for path in unredacted.glob("*.json"))))
    assert len(hashes) > 100
    plan = json.loads((unredacted / "plan.json").read_text())
    questions = {q["id"] for tenant in plan["tenants"] for q in tenant["questions"] if q["address"]}
    assert len(questions) > 10
    return hashes | questions


@pytest.fixture(scope="module")
def people() -> People:
    as_of = datetime.fromisoformat(AS_OF)
    names = {name for name in names_of(*snapshots(as_of), *previous(as_of)) if name}
    assert len(names) > 1000
    return People(names)


def mails(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=default)
        yield str(message["Subject"])
        for part in message.walk():
            if not part.is_multipart():
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                yield from texts(content)


def test_redacted_reports_and_mails_identify_nobody(
    tmp_path: Path, people: People, adversary: Adversary, plain_hashes: set[str]
) -> None:
    formats = ",".join((*FORMATS, "terminal"))
    completed = call("audit", "--demo", "--as-of", AS_OF, "--redact", "-f", formats, "-o", "out", cwd=tmp_path)
    assert completed.code in {1, 3}
    output_texts = [completed.text, completed.err]
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {kind.file for kind in FORMATS.values()}
    output_texts += [text for path in files for text in texts(path.read_bytes())]
    first = snapshots(datetime.fromisoformat(AS_OF))[0].manifest
    (tmp_path / "tenants.yaml").write_text(TENANTS.format(name=first.tenant, id=first.tenant_id))
    expect(0, "send", "out/result.json", "--dry-run", cwd=tmp_path)
    mail_texts = list(mails(tmp_path))
    assert len(mail_texts) >= 3
    for text in [*output_texts, *mail_texts]:
        assert people.findall(text) == []
        assert adversary.identified(text) == []
        assert plain_hashes.isdisjoint(re.findall(r"[0-9a-f]{12,}", text))
    assert sum("user-" in text for text in output_texts) >= len(FORMATS) - 1
    page = (tmp_path / "out" / "report.html").read_text()
    assert "under pseudonyms" in page
    assert "It names" not in page


def test_redacted_plans_and_previews_identify_nobody(
    tmp_path: Path, people: People, adversary: Adversary, plain_hashes: set[str]
) -> None:
    plan = call("plan", "--demo", "--as-of", AS_OF, "--redact", "-f", "json,markdown,questions,terminal", "-o", "out", cwd=tmp_path)  # fmt: skip
    assert plan.code in {0, 1, 3}
    for number, (name, body) in enumerate(policies(datetime.fromisoformat(AS_OF))):
        copy = tmp_path / "policies" / f"{number}-{Path(name).name}"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(body)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: only, severity: low, seats: {of: paid, spare: {min: 0}}}\n"
    )
    arguments = ("--demo", "--as-of", AS_OF, "--base", "base", "-f", "json,markdown,html", "-o", "out", "policies")
    preview = call("preview", *arguments, cwd=tmp_path)
    assert preview.code in {0, 1, 3}, preview.err
    output_texts = [plan.text, plan.err, preview.text, preview.err]
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".md", ".html", ".yaml"}
    output_texts += [text for path in files for text in texts(path.read_bytes())]
    for text in output_texts:
        assert people.findall(text) == []
        assert adversary.identified(text) == []
        assert plain_hashes.isdisjoint(re.findall(r"[0-9a-f]{12,}", text))
    assert "user-" in "".join(output_texts)


def test_search_finds_people_in_unredacted_outputs(unredacted: Path, people: People, adversary: Adversary) -> None:
    """The search of the other tests finds people in unredacted outputs, also in compressed files."""
    for name in ("report.xlsx", "findings.parquet", "report.html"):
        counts = [len(people.findall(text)) for text in texts((unredacted / name).read_bytes())]
        assert sum(counts) > 50
        if name != "report.html":  # the page writes instants in words
            assert sum(len(adversary.identified(text)) for text in texts((unredacted / name).read_bytes())) > 50


POLICY_WITH_NAMES = """version: 1
populations:
  pilots: {any: [{userPrincipalName: ida.writer@contoso.example}, {memberOf: Friends of Zoe Secret}]}
policies:
- id: held
  title: Licences that Zoe Secret and zoe.secret@contoso.example still hold
  rationale: Zoe Secret asked for it, see mail of max.other@contoso.example
  severity: high
  owner: owners@contoso.example
  users: {userPrincipalName: {not: ida.writer@contoso.example}}
  assignments: {of: paid, allow: []}
- {id: errors, severity: low, users: {memberOf: Friends of Zoe Secret}, assignments: {require: [SPE_E5]}}
- {id: groups, severity: low, health: {errors: deny}}
waivers:
- id: w
  policies: [held]
  users: {id: 77777777-aaaa-bbbb-cccc-000000000000}
  reason: Zoe Secret is on parental leave, told by Max Approver
  ticket: HR-4711-zoe
  approvedBy: Max Approver
  owner: max.other@contoso.example
  expires: 2026-11-25
"""
SECRETS = ("Zoe Secret", "zoe.secret", "ida.writer", "max.other", "Max Approver", "HR-4711", "parental",
           "77777777-aaaa", "55555555-aaaa")  # fmt: skip


@pytest.mark.parametrize("key", ["", "a key of 16 bytes or more"])
def test_texts_of_policies_waivers_and_groups_are_redacted(key: str, tmp_path: Path) -> None:
    """Names in titles, rationales, selectors, waivers, group names and notices, in every format."""
    friends = {"id": "g", "displayName": "Friends of Zoe Secret", "members": ["55555555-aaaa-bbbb-cccc-000000000000"]}
    zoe = user("zoe.secret", "SPE_E3", id="55555555-aaaa-bbbb-cccc-000000000000", displayName="Zoe Secret",
               paths=[assigned("SPE_E3", group="g", state="ActiveWithError", error="Other")])  # fmt: skip
    ida = user("ida.writer", "SPE_E3", id="66666666-aaaa-bbbb-cccc-000000000000", displayName="Ida Writer")
    state = tenant(zoe, ida, subscribedSkus=[bought("SPE_E3", 5, 2), bought("SPE_E5", 5, 0)], groups=[friends])
    (tmp_path / "p.yaml").write_text(POLICY_WITH_NAMES)
    snapshot_folder = write(tmp_path / "snapshots", state)
    formats = ",".join((*FORMATS, "terminal"))
    arguments = ("audit", "p.yaml", "--snapshot", snapshot_folder, "--as-of", AS_OF, "-f", formats)
    expect(1, *arguments, "-o", "clear", cwd=tmp_path)
    assert [secret for secret in SECRETS if secret not in (tmp_path / "clear/result.json").read_text()] == []
    completed = expect(1, *arguments, "--redact", "-o", "out", cwd=tmp_path, AUDITOR_REDACT_KEY=key)
    output_texts = [
        text for file in sorted((tmp_path / "out").rglob("*")) if file.is_file() for text in texts(file.read_bytes())
    ]
    for text in [*output_texts, completed.text, completed.err]:
        assert [secret for secret in SECRETS if secret.casefold() in text.casefold()] == []
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["run"]["redaction"]["stable"] is bool(key)
    assert ("for this run only" in (tmp_path / "out/report.html").read_text()) is not bool(key)
    assert "owners@contoso.example" in {policy["owner"] for policy in result["run"]["policies"]}


def test_pseudonyms_are_equal_for_one_key_across_nights_shards_and_formats(tmp_path: Path) -> None:
    """Redacted results can be merged and used as history if they have the same key."""
    state = tenant(user("ann", "SPE_E3"), user("bob", "SPE_E3"), subscribedSkus=[bought("SPE_E3", 5, 2)])
    fabrikam = replace(state, manifest=replace(state.manifest, tenant="fabrikam", tenant_id="another"))
    roots = [write(tmp_path / name, snapshot) for name, snapshot in (("a", state), ("b", fabrikam))]
    (tmp_path / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: p, severity: high, assignments: {deny: [SPE_E3]}}\n"
    )
    keys = ("a key of 16 bytes or more", "another key of 16 bytes or more")

    def audit(folder: Path, day: str, name: str, key: str, *options: str) -> str:
        expect(
            1, "audit", "p.yaml", "--snapshot", folder, "--as-of", day, "--redact", "-f", f"json={name}", *options,
            cwd=tmp_path, AUDITOR_REDACT_KEY=key,
        )  # fmt: skip
        return (tmp_path / name).read_text()

    first = audit(roots[0], "2026-11-20", "1.json", keys[0], "-f", "csv=1.csv", "-f", "sarif=1.sarif")
    shard = audit(roots[1], "2026-11-20", "2.json", keys[0])
    other_key = audit(roots[1], "2026-11-20", "3.json", keys[1])
    audit(roots[0], "2026-11-21", "4.json", keys[0])
    audit(roots[0], "2026-11-21", "5.json", keys[1])
    names = set(re.findall(r"user-[0-9a-f]{16}", first))
    assert len(names) == 2
    for file in ("1.csv", "1.sarif"):
        assert set(re.findall(r"user-[0-9a-f]{16}", (tmp_path / file).read_text())) == names
    assert names.isdisjoint(re.findall(r"user-[0-9a-f]{16}", shard))
    assert set(re.findall(r"user-[0-9a-f]{16}", shard)).isdisjoint(re.findall(r"user-[0-9a-f]{16}", other_key))
    assert call("report", "1.json", "2.json", "-f", "json=m.json", cwd=tmp_path).code == 0
    merge = call("report", "1.json", "3.json", "-f", "json=m.json", cwd=tmp_path)
    assert (merge.code, "different keys" in merge.err) == (2, True)
    completed = call("history", "1.json", "4.json", "--policy", "p", "-f", "json", cwd=tmp_path)
    assert len(json.loads(completed.out)["episodes"]) == 2, completed.err
    mixed_keys = call("history", "1.json", "5.json", "--policy", "p", "-f", "json", cwd=tmp_path)
    assert (mixed_keys.code, "store-pseudonyms" in mixed_keys.err) == (2, True)


def test_short_redact_key_is_an_error_that_does_not_quote_it(tmp_path: Path) -> None:
    for arguments in (("audit", "--demo", "--redact"), ("plan", "--demo", "--redact"), ("report", "x", "--redact")):
        completed = call(*arguments, cwd=tmp_path, AUDITOR_REDACT_KEY="short-secret")
        assert (completed.code, "redact-key" in completed.err, "short-secret" in completed.err) == (2, True, False)
        assert not (tmp_path / "out").exists()
