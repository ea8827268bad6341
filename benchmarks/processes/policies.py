"""Reads five hundred policy files with the program and with the floor, and prints the times.

usage: python -m benchmarks.processes.policies
"""

import json
import re
import time

import jsonschema_rs
import yaml

from auditor import resources
from auditor.policy.loader import load

FILES = 500
_FILE = """\
# yaml-language-server: $schema=../auditor/schemas/policy.v1.json
version: 1

populations:
  crew-{n}: {{department: [Store {n}, Warehouse {n}], userType: Member, accountEnabled: true}}

products:
  tools-{n}: [SPE_E3, SPE_F1, 'VISIO*', {{withService: EXCHANGE_S_ENTERPRISE}}]

policies:
  - id: crew-{n}-tools
    title: Crew {n} works with its tools and nothing else
    severity: medium
    rationale: >-
      What the crew does not need is paid for nothing, and what it lacks keeps it from working.
      The list was agreed with the store managers.
    owner: licensing@contoso.example
    tags: [cost, stores]
    users: crew-{n}
    assignments:
      of: paid
      allow: [tools-{n}]
      require: [[SPE_E3, SPE_F1]]

  - id: crew-{n}-away
    title: Nobody of crew {n} who stays away keeps a large licence
    severity: low
    users: {{all: [{{population: crew-{n}}}, {{inactiveFor: 90d}}], not: {{usageLocation: [NO, SE]}}}}
    assignments: {{deny: [SPE_E5]}}

waivers:
  - id: W-{n}
    policies: [crew-{n}-tools]
    users: {{userPrincipalName: pilot{n}@contoso.example}}
    products: [SPE_E5]
    reason: Pilot
    owner: licensing@contoso.example
    expires: 2027-01-31
"""


def main() -> None:
    """Read the files with the program and with the floor, after a warm-up, and print the seconds."""
    files = [(f"crew-{n}.yaml", _FILE.format(n=n).encode()) for n in range(FILES)]
    validator = jsonschema_rs.Draft202012Validator(json.loads(resources.schema("policy")))
    load(files[:5])
    readings: dict[str, list[float]] = {"load": [], "floor": []}
    for _ in range(3):
        started = time.perf_counter()
        loaded = load(files)
        readings["load"].append(time.perf_counter() - started)
        assert len(loaded.policies.policies) == 2 * FILES
        started = time.perf_counter()
        assert all(validator.is_valid(yaml.load(text, Loader=_Plain)) for _, text in files)
        readings["floor"].append(time.perf_counter() - started)
    print(json.dumps(readings))


class _Plain(yaml.CSafeLoader):
    """Builds plain values only; the implicit types of YAML 1.1 would convert NO and dates."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":int", ":null"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Plain.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])


if __name__ == "__main__":
    main()
