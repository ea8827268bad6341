"""The command `python -m tests.emulator`: runs the emulator and writes the files that connect the auditor to it."""

import argparse
import json
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.emulator.fixtures import CLIENT_ID, SECRET, auditor_app, small_tenant
from tests.emulator.server import Emulator
from tests.emulator.tenant import seeded
from tests.emulator.tenant.directory import Tenant, load

NAMES = ("contoso", "fabrikam", "northwind", "adatum", "litware")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(
        prog="python -m tests.emulator", description="Microsoft Graph, its sign-in service and GitHub OIDC, emulated."
    )
    result.add_argument(
        "--users", type=int, default=500, help="generated users per tenant; 0 serves the small hand-made tenant"
    )
    result.add_argument("--tenants", type=int, default=1, help=f"how many tenants (at most {len(NAMES)})")
    result.add_argument("--seed", type=int, default=1, help="another seed gives other people")
    result.add_argument(
        "--load",
        type=Path,
        action="append",
        default=[],
        help="a tenant as JSON (README.md); repeatable; replaces the generated ones",
    )
    result.add_argument("--port", type=int, default=8080, help="Graph over http on 127.0.0.1; 0 picks a free one")
    result.add_argument("--tls-port", type=int, default=8443, help="sign-in, GitHub and Graph over TLS on localhost")
    result.add_argument("--latency", type=float, default=0.0, help="seconds before every answer of Graph")
    result.add_argument(
        "--throttle", action="store_true", help="spend resource units and answer 429 beyond the documented limits"
    )
    result.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="JSON",
        help='a fault to begin with, such as \'{"kind": "throttled", "path": "/users"}\'',
    )
    result.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("out/emulator"),
        help="where tenants.yaml, ca.pem and environment.sh go",
    )
    return result


def tenants(options: argparse.Namespace) -> list[Tenant]:
    """Return the tenants that the options select, each with an app that can sign in."""
    if options.load:
        selected = [load(json.loads(path.read_text(encoding="utf-8"))) for path in options.load]
    elif options.users == 0:
        selected = [small_tenant(name) for name in NAMES[: options.tenants]]
    else:
        selected = [
            seeded.generate(options.users, name=name, seed=options.seed + number, domain=f"{name}.example")
            for number, name in enumerate(NAMES[: options.tenants])
        ]
    for tenant in selected:
        tenant.throttled = options.throttle
        if not tenant.apps:
            tenant.register(auditor_app())
    return selected


def tenants_file(emulator: Emulator) -> str:
    """Return a tenants.yaml that signs in with the client secret; its comment shows sign-in with GitHub OIDC."""
    lines = ["version: 1", "tenants:"]
    for tenant in emulator.tenants.values():
        app = next(iter(tenant.apps.values()))
        lines += [
            f"  - name: {tenant.name}",
            f"    tenantId: {tenant.tenant_id}",
            "    cloud: worldwide",
            "    credential:",
            "      type: client-secret",
            f"      clientId: {app.client_id}",
            "      secretEnv: EMULATOR_CLIENT_SECRET   # or, as in a workflow: type: github-oidc without this line",
            f"    endpoint: {emulator.endpoint}",
            f"    authority: {emulator.authority}",
        ]
    return "\n".join(lines) + "\n"


def write(emulator: Emulator, folder: Path) -> str:
    """Write tenants.yaml and environment.sh next to the CA, and return the text that tells people what to type."""
    (folder / "tenants.yaml").write_text(tenants_file(emulator), encoding="utf-8")
    variables = emulator.environment() | {"EMULATOR_CLIENT_SECRET": SECRET}
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    (folder / "environment.sh").write_text(exports, encoding="utf-8")
    people = ", ".join(f"{tenant.name} ({len(tenant.people)} users)" for tenant in emulator.tenants.values())
    return (
        f"Graph     {emulator.endpoint}  and  {emulator.tls_endpoint}\n"
        f"Sign-in   {emulator.authority}  (client {CLIENT_ID})\n"
        f"Tenants   {people}\n"
        f'Faults    curl -d \'{{"kind": "throttled", "path": "/users", "retry_after": "2"}}\' '
        f"http://127.0.0.1:{emulator.port}/emulator/faults\n\n"
        f"In another terminal:\n  . {folder / 'environment.sh'}\n  auditor audit --tenants {folder / 'tenants.yaml'}\n\n"
        f"{tenants_file(emulator)}\n{exports}\nCtrl-C ends it.\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    options = parser().parse_args(arguments)
    folder: Path = options.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    emulator = Emulator(tenants(options), ca_path=folder / "ca.pem", port=options.port, tls_port=options.tls_port)
    for text in options.fault:
        emulator.faults.add(**json.loads(text))
    if options.latency:
        emulator.faults.add("slow", seconds=options.latency, times=None)
    emulator.start()
    stopped = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stopped.set())
    sys.stdout.write(write(emulator, folder))
    sys.stdout.flush()
    stopped.wait()
    emulator.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
