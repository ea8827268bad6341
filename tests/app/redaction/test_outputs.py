"""`--redact` in every output of the demo: nobody's name, address or id is anywhere, however the file is packed."""

import hashlib
import json
import re
import zlib
from base64 import b64decode
from binascii import Error
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from auditor.demo import policies, previous, snapshots
from auditor.render import FORMATS
from auditor.snapshot.model import Snapshot
from auditor.snapshot.schema import SIGN_IN_COLUMNS
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, call
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
    """Everybody of the demo, found in a text by the words of their names, addresses and ids."""

    def __init__(self, known: set[str]) -> None:
        # A name of one word, such as a shared mailbox's, may well be a word of the report.
        self.known = {name for name in known if " " in name or "@" in name or "-" in name}
        self.longest = max(len(name.split()) for name in self.known)
        self.firsts = {name.split(" ")[0] for name in self.known}

    def findall(self, text: str) -> list[str]:
        words_in_text = re.findall(r"\w(?:[\w@.'\u2019-]*\w)?", text)
        runs = (
            " ".join(words_in_text[place : place + size])
            for place, first in enumerate(words_in_text)
            if first in self.firsts
            for size in range(1, self.longest + 1)
        )
        return [run for run in runs if run in self.known]


DIRECTORY = ("id", "displayName", "userPrincipalName", "mail", "createdDateTime", *SIGN_IN_COLUMNS)
_HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}")
_SERIAL = re.compile(r"\d{5}\.\d{4,}")
_EXCEL = datetime(1899, 12, 30, tzinfo=UTC)


class Adversary:
    """Somebody who has the directory: ids, names, addresses and instants of everybody, and tries what they can."""

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
        self.digests = {digest for known in values for digest in self._digests(*known)}

    def _rows(self, state: Snapshot) -> Iterator[dict[str, object]]:
        for batch in state.batches(DIRECTORY, None):
            yield from batch.users.select([n for n in DIRECTORY if n in batch.users.schema.names]).to_pylist()

    def _digests(self, tenant_id: str, tenant: str, known: str) -> Iterator[str]:
        """The beginnings of every usual hash of an id or an address, with and without the tenant before it."""
        for value in {known, known.lower(), known.upper(), known.replace("-", "")}:
            for whole in (
                value,
                *(f"{t}{sign}{value}" for t in (tenant_id, tenant) for sign in ("", ":", "/", "\x1f", "|")),
            ):
                for name in _HASHES:
                    yield hashlib.new(name, whole.encode()).hexdigest()[:12]

    def found(self, text: str) -> list[str]:
        """What of a text tells who somebody is."""
        return [
            *(token for token in re.findall(r"[0-9a-f]{12,}", text) if token[:12] in self.digests),
            *(i for i in _INSTANT.findall(text) if datetime.fromisoformat(i).replace(tzinfo=UTC) in self.instants),
            *(s for s in _SERIAL.findall(text) if f"{float(s):.4f}" in self.serials),
        ]


def fingerprints(*texts: str) -> Iterable[str]:
    """The fingerprints of findings in results, which whoever has directory and policies can compute."""
    return {found for text in texts for found in re.findall(r"\b[0-9a-f]{32}\b", text)}


@pytest.fixture(scope="module")
def adversary() -> Adversary:
    as_of = datetime.fromisoformat(AS_OF)
    made = Adversary(*snapshots(as_of), *previous(as_of))
    assert len(made.instants) > 1000
    return made


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The fingerprints that the audit has where nobody is hidden."""
    folder = tmp_path_factory.mktemp("plain")
    call("audit", "--demo", "--as-of", AS_OF, "-f", "json", "-o", "out", cwd=folder)
    call("plan", "--demo", "--as-of", AS_OF, "-f", "json", "-o", "out", cwd=folder)
    found = set(fingerprints(*(path.read_text() for path in (folder / "out").glob("*.json"))))
    assert len(found) > 100
    return found


@pytest.fixture(scope="module")
def people() -> People:
    as_of = datetime.fromisoformat(AS_OF)
    known = {name for name in names_of(*snapshots(as_of), *previous(as_of)) if name}
    assert len(known) > 1000
    return People(known)


def texts(body: bytes) -> Iterator[str]:
    """Everything that a file says: zip files and Parquet opened, what is compressed in a page unpacked."""
    if is_zipfile(BytesIO(body)):
        with ZipFile(BytesIO(body)) as book:
            for name in book.namelist():
                yield from texts(book.read(name))
    elif body.startswith(b"PAR1"):
        yield json.dumps(pq.read_table(BytesIO(body)).to_pylist(), default=str)
    else:
        text = body.decode()
        yield text
        for packed in re.findall(r">([A-Za-z0-9+/\s]{200,}={0,2})<", text):
            yield from unpacked(packed)


def unpacked(packed: str) -> Iterator[str]:
    try:
        raw = b64decode(packed, validate=False)
        yield (zlib.decompress(raw, zlib.MAX_WBITS | 32) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8", "replace")
    except (Error, zlib.error):
        return


def mails(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=default)
        yield str(message["Subject"])
        for part in message.walk():
            if not part.is_multipart():
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                yield from texts(content)


def test_no_report_and_no_mail_names_anybody(
    tmp_path: Path, people: People, adversary: Adversary, plain: set[str]
) -> None:
    formats = ",".join((*FORMATS, "terminal"))
    ran = call("audit", "--demo", "--as-of", AS_OF, "--redact", "-f", formats, "-o", "out", cwd=tmp_path)
    assert ran.code in {1, 3}
    texts_written = [ran.text, ran.err]
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {kind.file for kind in FORMATS.values()}
    texts_written += [text for path in files for text in texts(path.read_bytes())]
    first = snapshots(datetime.fromisoformat(AS_OF))[0].manifest
    (tmp_path / "tenants.yaml").write_text(TENANTS.format(name=first.tenant, id=first.tenant_id))
    sent = call("send", "out/result.json", "--dry-run", cwd=tmp_path)
    assert sent.code == 0, sent.err
    letters = list(mails(tmp_path))
    assert len(letters) >= 3
    for text in [*texts_written, *letters]:
        assert people.findall(text) == []
        assert adversary.found(text) == []
        assert not [value for value in re.findall(r"[0-9a-f]{32}", text) if value in plain]
    assert sum("user-" in text for text in texts_written) >= len(FORMATS) - 1
    page = (tmp_path / "out" / "report.html").read_text()
    assert "under pseudonyms" in page
    assert "It names" not in page


def test_no_plan_and_no_preview_names_anybody(
    tmp_path: Path, people: People, adversary: Adversary, plain: set[str]
) -> None:
    plan = call("plan", "--demo", "--as-of", AS_OF, "--redact", "-f", "json,markdown,terminal", "-o", "out", cwd=tmp_path)  # fmt: skip
    assert plan.code in {0, 1, 3}
    for number, (name, body) in enumerate(policies(datetime.fromisoformat(AS_OF))):
        copy = tmp_path / "policies" / f"{number}-{Path(name).name}"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(body)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: only, severity: low, seats: {of: paid, spare: {min: 0}}}\n"
    )
    seen = call("preview", "--demo", "--as-of", AS_OF, "--base", "base", "-f", "json,markdown,html", "-o", "out", "policies", cwd=tmp_path)  # fmt: skip
    assert seen.code in {0, 1, 3}, seen.err
    texts_written = [plan.text, plan.err, seen.text, seen.err]
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".md", ".html"}
    texts_written += [text for path in files for text in texts(path.read_bytes())]
    for text in texts_written:
        assert people.findall(text) == []
        assert adversary.found(text) == []
        assert not [value for value in re.findall(r"[0-9a-f]{32}", text) if value in plain]
    assert "user-" in "".join(texts_written)


def test_without_it_people_are_found(tmp_path: Path, people: People, adversary: Adversary) -> None:
    """What the others look for is there when nobody hides it, in packed files too."""
    call("audit", "--demo", "--as-of", AS_OF, "-f", "xlsx,parquet,html", "-o", "out", cwd=tmp_path)
    for name in ("report.xlsx", "findings.parquet", "report.html"):
        found = [len(people.findall(text)) for text in texts((tmp_path / "out" / name).read_bytes())]
        assert sum(found) > 50
        if name != "report.html":  # whose instants are told in words
            assert sum(len(adversary.found(text)) for text in texts((tmp_path / "out" / name).read_bytes())) > 50


WRITTEN = """version: 1
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
def test_no_text_that_somebody_wrote_names_anybody(key: str, tmp_path: Path) -> None:
    """People in titles, rationales, selectors, waivers, names of groups and notices, in every format."""
    friends = {"id": "g", "displayName": "Friends of Zoe Secret", "members": ["55555555-aaaa-bbbb-cccc-000000000000"]}
    zoe = user("zoe.secret", "SPE_E3", id="55555555-aaaa-bbbb-cccc-000000000000", displayName="Zoe Secret",
               paths=[assigned("SPE_E3", group="g", state="ActiveWithError", error="Other")])  # fmt: skip
    ida = user("ida.writer", "SPE_E3", id="66666666-aaaa-bbbb-cccc-000000000000", displayName="Ida Writer")
    state = tenant(zoe, ida, subscribedSkus=[bought("SPE_E3", 5, 2), bought("SPE_E5", 5, 0)], groups=[friends])
    (tmp_path / "p.yaml").write_text(WRITTEN)
    snapshot_folder = write(tmp_path / "snapshots", state)
    formats = ",".join((*FORMATS, "terminal"))
    arguments = ("audit", "p.yaml", "--snapshot", snapshot_folder, "--as-of", AS_OF, "-f", formats)
    clear = call(*arguments, "-o", "clear", cwd=tmp_path)
    assert clear.code == 1, clear.err
    assert [secret for secret in SECRETS if secret not in (tmp_path / "clear/result.json").read_text()] == []
    ran = call(*arguments, "--redact", "-o", "out", cwd=tmp_path, AUDITOR_REDACT_KEY=key)
    assert ran.code == 1, ran.err
    texts_written = [
        text for file in sorted((tmp_path / "out").rglob("*")) if file.is_file() for text in texts(file.read_bytes())
    ]
    for text in [*texts_written, ran.text, ran.err]:
        assert [secret for secret in SECRETS if secret.casefold() in text.casefold()] == []
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["run"]["redaction"]["stable"] is bool(key)
    assert ("for this run only" in (tmp_path / "out/report.html").read_text()) is not bool(key)
    assert "owners@contoso.example" in {policy["owner"] for policy in result["run"]["policies"]}


def test_with_one_key_nights_shards_and_formats_tell_the_same_pseudonyms(tmp_path: Path) -> None:
    """And a merge, a comparison and a history of redacted results work as of others; with two keys none of them does."""
    state = tenant(user("ann", "SPE_E3"), user("bob", "SPE_E3"), subscribedSkus=[bought("SPE_E3", 5, 2)])
    other = replace(state, manifest=replace(state.manifest, tenant="fabrikam", tenant_id="another"))
    roots = [write(tmp_path / name, each) for name, each in (("a", state), ("b", other))]
    (tmp_path / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: p, severity: high, assignments: {deny: [SPE_E3]}}\n"
    )
    keys = ("a key of 16 bytes or more", "another key of 16 bytes or more")

    def audit(folder: Path, day: str, name: str, key: str, *more: str) -> str:
        ran = call(
            "audit", "p.yaml", "--snapshot", folder, "--as-of", day, "--redact", "-f", f"json={name}", *more,
            cwd=tmp_path, AUDITOR_REDACT_KEY=key,
        )  # fmt: skip
        assert ran.code == 1, ran.err
        return (tmp_path / name).read_text()

    first = audit(roots[0], "2026-11-20", "1.json", keys[0], "-f", "csv=1.csv", "-f", "sarif=1.sarif")
    shard = audit(roots[1], "2026-11-20", "2.json", keys[0])
    strange = audit(roots[1], "2026-11-20", "3.json", keys[1])
    audit(roots[0], "2026-11-21", "4.json", keys[0])
    audit(roots[0], "2026-11-21", "5.json", keys[1])
    names = set(re.findall(r"user-[0-9a-f]{16}", first))
    assert len(names) == 2
    for file in ("1.csv", "1.sarif"):
        assert set(re.findall(r"user-[0-9a-f]{16}", (tmp_path / file).read_text())) == names
    assert names.isdisjoint(re.findall(r"user-[0-9a-f]{16}", shard))
    assert set(re.findall(r"user-[0-9a-f]{16}", shard)).isdisjoint(re.findall(r"user-[0-9a-f]{16}", strange))
    assert call("report", "1.json", "2.json", "-f", "json=m.json", cwd=tmp_path).code == 0
    refused = call("report", "1.json", "3.json", "-f", "json=m.json", cwd=tmp_path)
    assert (refused.code, "different keys" in refused.err) == (2, True)
    done = call("history", "1.json", "4.json", "--policy", "p", "-f", "json", cwd=tmp_path)
    assert len(json.loads(done.out)["episodes"]) == 2, done.err
    mixed = call("history", "1.json", "5.json", "--policy", "p", "-f", "json", cwd=tmp_path)
    assert (mixed.code, "store-pseudonyms" in mixed.err) == (2, True)


def test_a_key_that_is_too_short_is_refused_and_not_repeated(tmp_path: Path) -> None:
    for arguments in (("audit", "--demo", "--redact"), ("plan", "--demo", "--redact"), ("report", "x", "--redact")):
        ran = call(*arguments, cwd=tmp_path, AUDITOR_REDACT_KEY="short-secret")
        assert (ran.code, "redact-key" in ran.err, "short-secret" in ran.err) == (2, True, False)
        assert not (tmp_path / "out").exists()
