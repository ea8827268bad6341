"""The commands of the corpus: audits of demo and seeded tenants in all languages and formats, and their follow-ups."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from auditor.app.plan.run import FORMATS as PLAN_FORMATS
from auditor.app.plan.run import TENANT_FORMATS
from auditor.app.verification.run import FORMATS as VERIFICATION_FORMATS
from auditor.demo.__main__ import main as write_demo
from auditor.render.formats import FORMATS as REGISTERED
from benchmarks.tenant import write_tenant

AS_OF = "2026-11-20T02:17:00Z"
PREVIOUS = "2026-11-19T02:17:00Z"
LOCALES = ("en", "nl", "da", "sv", "tr", "de")
NEUTRAL = ("departments", "openmetrics")
"""Formats of numbers, which no language changes: they are written in one language."""
FORMATS = (*(name for name in REGISTERED if name not in NEUTRAL), "terminal")
"""Formats that are written in every language: all others that are registered."""
SEEDED = {"alpha": 400, "beta": 150, "gamma": 60}
"""Name of a seeded tenant → number of people."""

POLICY = """version: 1
policies:
  - {id: no-visio, title: Nobody holds Visio, severity: high, assignments: {deny: ["VISIO*"]}}
  - {id: departments, title: Everybody has a department, severity: low, attributes: {require: [department]}}
"""

TENANTS = """version: 1
tenants:
  - name: contoso
    tenantId: 11111111-2222-3333-4444-555555555555
    cloud: worldwide
    locale: nl
    credential: {type: token, tokenEnv: CORPUS_TOKEN}
    recipients:
      - {address: licensing@contoso.example}
      - {address: finance@contoso.example, locale: en, severities: [critical, high]}
  - name: fabrikam
    tenantId: 99999999-2222-3333-4444-555555555555
    cloud: worldwide
    locale: da
    credential: {type: token, tokenEnv: CORPUS_TOKEN}
    recipients: [{address: licenser@fabrikam.example}]
mail: {from: audit@contoso.example, smtp: {host: localhost, port: 2525}, send: always}
"""


class Command(Struct, frozen=True):
    """A call of the program: its name in the corpus, its arguments, and the allowed exit codes."""

    name: str
    arguments: tuple[str, ...]
    exits: tuple[int, ...] = (0, 1, 3)


def prepare(root: Path) -> None:
    """Write the snapshots, policies and settings that the commands read into `root`."""
    write_demo([str(root / "demo"), "--as-of", AS_OF, "--previous"])
    for seed, (name, people) in enumerate(SEEDED.items()):
        write_tenant(root / "seeded", people, seed=seed, name=name)
    (root / "changed").mkdir()
    (root / "changed" / "visio.yaml").write_text(POLICY, encoding="utf-8")
    (root / "tenants.yaml").write_text(TENANTS, encoding="utf-8")


def stages() -> Iterator[list[Command]]:
    """Yield the commands in stages; a command may read what an earlier stage wrote."""
    demo, seeded = ("--snapshot", "demo/snapshots", "demo/policies"), ("--snapshot", "seeded")
    night, now = ("--as-of", PREVIOUS), ("--as-of", AS_OF)
    yield [
        Command("previous", ("audit", *demo, *night, "-o", "previous", "-f", "json")),
        Command("alpha", ("audit", *seeded, "--tenant", "alpha", *now, "-o", "alpha", "-f", "json")),
        Command("beta", ("audit", *seeded, "--tenant", "beta", *now, "-o", "beta", "-f", "json")),
        Command("store-put", ("store", "put", "nights", "demo/snapshots")),
        Command("plan-previous", ("plan", *demo, *night, "-o", "plan-previous", "-f", "json")),
    ]
    yield [Command("store-results", ("store", "put", "nights", "previous/result.json"))]
    yield [*_audits(demo, seeded, now)]
    yield [*_follow_ups(), *_plans(demo, seeded, now), *_verifications(demo, now)]


def _audits(demo: tuple[str, ...], seeded: tuple[str, ...], now: tuple[str, ...]) -> Iterator[Command]:
    for locale in LOCALES:
        shared = (*now, "--locale", locale, "--no-color")
        earlier = ("--history", "previous", "--compare", "previous/result.json")
        name = f"demo-{locale}"
        yield Command(name, ("audit", *demo, *shared, *earlier, "-o", name, *formats(FORMATS)))
        name = f"seeded-{locale}"
        yield Command(name, ("audit", *seeded, *shared, "-o", name, *formats(FORMATS)))
    for name, snapshots in (("demo", demo), ("seeded", seeded)):
        yield Command(f"neutral-{name}", ("audit", *snapshots, *now, "-o", f"neutral-{name}", *formats(NEUTRAL)))
    redacted = ("--redact", "--no-color", *formats(FORMATS))
    yield Command("redacted", ("audit", *demo, *now, "-o", "redacted", *redacted))
    yield Command("findings", ("audit", *seeded, *now, "--findings", "findings/findings.parquet"))
    for index in (1, 2):
        name = f"shard-{index}"
        yield Command(name, ("audit", *seeded, *now, "--shard", f"{index}/2", "-o", name, "-f", "json"))


def _plans(demo: tuple[str, ...], seeded: tuple[str, ...], now: tuple[str, ...]) -> Iterator[Command]:
    written = (*PLAN_FORMATS, *TENANT_FORMATS, "terminal")
    for locale in LOCALES:
        name = f"plan-{locale}"
        yield Command(name, ("plan", *demo, *now, "--locale", locale, "-o", name, *formats(written)))
        name = f"preview-{locale}"
        shared = ("--base", "demo/policies", "--locale", locale, "-o", name, *formats(("json", "markdown", "html")))
        yield Command(name, ("preview", *shared, "--names", "--snapshot", "demo/snapshots", *now, "changed"))
    owners = ("--by", "owner", "-f", "questions", "-o", "plan-owners")
    yield Command("plan-owners", ("plan", *demo, *now, *owners))
    yield Command("plan-seeded", ("plan", *seeded, *now, "-o", "plan-seeded", *formats(written)))


def _verifications(demo: tuple[str, ...], now: tuple[str, ...]) -> Iterator[Command]:
    plan = ("verify", "plan-previous/plan.json", *demo, *now)
    for locale in LOCALES:
        name = f"verify-{locale}"
        shared = ("--locale", locale, "--no-color", "-o", name)
        yield Command(name, (*plan, *shared, *formats((*VERIFICATION_FORMATS, "terminal"))))


def _follow_ups() -> Iterator[Command]:
    mail = ("send", "demo-en/result.json", "--tenants", "tenants.yaml", "--dry-run", "--sent-log", "sent.log")
    yield Command("mail", (*mail, "-o", "mail", "--link", "https://reports.contoso.example/"))
    yield Command("merged", ("report", "alpha/result.json", "beta/result.json", "-o", "merged", *formats(FORMATS)))
    shards = ("shard-1/result.json", "shard-2/result.json")
    yield Command("shards", ("report", *shards, "-o", "shards", *formats(FORMATS)))
    for locale in LOCALES:
        written = [f"{kind}=history-{locale}/trends.{kind}" for kind in ("html", "json", "csv", "parquet")]
        shared = ("history", "nights", "--locale", locale, "--no-color")
        yield Command(f"history-{locale}", (*shared, *formats((*written, "terminal"))))
    yield Command("store-check", ("store", "check", "nights", "--json"))
    yield Command("store-get", ("store", "get", "nights", "contoso", "-o", "restored"))


def formats(names: Iterable[str]) -> list[str]:
    """Return a `-f` option for each format; the files get their default names in the output folder."""
    return [part for name in names for part in ("-f", name)]


def run(root: Path) -> None:
    """Prepare `root` and run every command in it; the output of a command is stored as `NAME.stdout` and `NAME.stderr`.

    Raises RuntimeError with the error output if a command ends with another exit code than allowed.
    """
    prepare(root)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for stage in stages():
            for _ in pool.map(lambda command: _run(root, command), stage):
                pass


def _run(root: Path, command: Command) -> None:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    environment = {
        **inherited,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONUTF8": "1",
        "COLUMNS": "100",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "AUDITOR_REDACT_KEY": "a key for the corpus, not a secret",
        "CORPUS_TOKEN": "unused",
    }
    process = subprocess.run(
        [sys.executable, "-m", "auditor", *command.arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        check=False,
    )
    if process.returncode not in command.exits:
        raise RuntimeError(f"{command.name} ended with {process.returncode}: {process.stderr.decode()}")
    (root / f"{command.name}.stdout").write_bytes(process.stdout)
    (root / f"{command.name}.stderr").write_bytes(process.stderr)
