"""Checks and builds a release; `make release-check` and the workflow run the same steps.

python .ci/release.py check [--tag vX.Y.Z]   version, changelog, tag and locks agree
python .ci/release.py build DIST             sdist and wheel, built twice to the same bytes; their metadata is valid
python .ci/release.py bill PYTHON FILE       a CycloneDX bill of materials of the environment of PYTHON
python .ci/release.py run AUDITOR            an installed program audits the demo outside the source tree
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from email.parser import BytesParser
from pathlib import Path

from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.utils import parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

ROOT = Path(__file__).parents[1]
_NAME = "m365-license-auditor"
_PINNED = re.compile(r"(?m)^([a-z0-9._-]+)==([^\s;\\]+)")


def fail(text: str, file: str = "") -> None:
    """Stop with a message; in GitHub Actions it is an annotation."""
    location = f" file={file}" if file else ""
    raise SystemExit(f"::error{location}::{text}" if os.environ.get("GITHUB_ACTIONS") else f"release: {file} {text}")


def version() -> str:
    """Return the version of the source."""
    match = re.search(r'(?m)^__version__ = "(.+)"$', (ROOT / "auditor" / "__init__.py").read_text(encoding="utf-8"))
    assert match is not None
    return match[1]


def check(tag: str) -> None:
    """Check that version, tag, changelog and lock files agree; an empty tag is not checked."""
    number = version()
    if str(Version(number)) != number:
        fail(f"The version {number} is not in its normal form, {Version(number)}.", "auditor/__init__.py")
    if tag and tag != f"v{number}":
        fail(f"The tag is {tag}, the version is {number}.", "auditor/__init__.py")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(rf"(?m)^## \[{re.escape(number)}\] - \d{{4}}-\d\d-\d\d$", changes)
    if tag and heading is None:
        fail(f"There is no section '## [{number}] - YYYY-MM-DD'.", "CHANGELOG.md")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements_by_lock = {"runtime": project["project"]["dependencies"], "build": project["build-system"]["requires"]}
    for lock, requirements in requirements_by_lock.items():
        file = f"requirements/{lock}.txt"
        pinned = dict(_PINNED.findall((ROOT / file).read_text(encoding="utf-8")))
        for requirement in map(Requirement, requirements):
            locked = pinned.get(requirement.name.lower())
            if locked is None or not requirement.specifier.contains(locked, prereleases=True):
                fail(f"{requirement} is not what is locked ({locked}): run `make lock`.", file)
    note = "" if heading else " (not in CHANGELOG.md yet: a tag needs a section with its date)"
    print(f"version {number}{note}, locks and requirements agree")


def build(dist: Path) -> None:
    """Build in two clones of the last commit with two umasks and compare; the second wheel is built from its sdist."""
    commit, epoch = git("rev-parse", "HEAD"), git("log", "-1", "--format=%ct")
    with tempfile.TemporaryDirectory() as folder:
        first, second = (clone(Path(folder, name), commit, umask) for name, umask in (("a", 0o022), ("b", 0o077)))
        backend("build_sdist", first, first / "dist", epoch, 0o022)
        backend("build_wheel", first, first / "dist", epoch, 0o022)
        backend("build_sdist", second, second / "dist", epoch, 0o077)
        (source,) = (second / "dist").iterdir()
        with tarfile.open(source) as archive:
            archive.extractall(second / "unpacked", filter="data")
        backend("build_wheel", second / "unpacked" / source.name.removesuffix(".tar.gz"), second / "dist", epoch, 0o077)
        folders = (sorted((source_tree / "dist").iterdir()) for source_tree in (first, second))
        builds = [{path.name: path.read_bytes() for path in paths} for paths in folders]
    if builds[0] != builds[1]:
        different = {name for name, _ in {*builds[0].items()} ^ {*builds[1].items()}}
        fail(f"Two builds differ: {', '.join(sorted(different))}")
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    for name, content in builds[0].items():
        (dist / name).write_bytes(content)
        metadata(dist / name)
        print(f"built twice to the same bytes: {name} ({len(content):,} bytes)")


def git(*words: str) -> str:
    """Return the output of a git command in the project."""
    command = [shutil.which("git") or "git", *words]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def clone(folder: Path, commit: str, umask: int) -> Path:
    """Clone the project and write the commit into it, because `auditor init` pins workflows to that commit."""
    subprocess.run([shutil.which("git") or "git", "clone", "--quiet", ROOT, folder], check=True, umask=umask)
    source = folder / "auditor" / "__init__.py"
    text = source.read_text(encoding="utf-8")
    stamped = text.replace('__commit__ = ""\n', f'__commit__ = "{commit}"\n')
    if stamped == text:
        fail("There is no empty __commit__ to write the commit into.", "auditor/__init__.py")
    source.write_text(stamped, encoding="utf-8")
    return folder


def backend(hook: str, source: Path, dist: Path, epoch: str, umask: int) -> None:
    """Call a hook of the build backend (PEP 517) in a separate process."""
    code = f"import setuptools.build_meta, sys; setuptools.build_meta.{hook}(sys.argv[1])"
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, dist], cwd=source, check=False, umask=umask,
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch}, capture_output=True, text=True,
    )  # fmt: skip
    if process.returncode:
        fail(f"{hook} failed:\n{process.stderr}")


def metadata(path: Path) -> None:
    """Validate the metadata of a wheel or sdist as package indexes do, and check that it describes this version."""
    if path.suffix == ".whl":
        name, number, _, _ = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as wheel:
            (member_name,) = (entry for entry in wheel.namelist() if entry.endswith(".dist-info/METADATA"))
            body = wheel.read(member_name)
    else:
        name, number = parse_sdist_filename(path.name)
        with tarfile.open(path) as archive:
            member = archive.extractfile(f"{path.name.removesuffix('.tar.gz')}/PKG-INFO")
            assert member is not None
            body = member.read()
    parsed = Metadata.from_email(body, validate=True)
    if (name, str(number), parsed.name) != (_NAME, version(), _NAME) or str(parsed.version) != version():
        fail(f"{path.name} describes {parsed.name} {parsed.version}")
    headers = BytesParser().parsebytes(body)
    if headers["Description-Content-Type"] != "text/markdown" or not parsed.description:
        fail(f"{path.name} has no description in Markdown")


def bill(python: Path, file: Path) -> None:
    """Write the bill of materials of an environment; the output is reproducible."""
    command = ["-m", "cyclonedx_py", "environment", "--output-reproducible", "--spec-version", "1.6", "--validate"]
    options = ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application", "--output-file", str(file)]
    file.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, *command, *options, str(python)], check=True)
    document = json.loads(file.read_text(encoding="utf-8"))
    root = document["metadata"]["component"]
    root |= {"version": version(), "purl": f"pkg:pypi/{_NAME}@{version()}"}
    # Neither pip nor the path of the wheel is part of the product.
    document["components"] = [part for part in document["components"] if part["name"] not in {"pip", _NAME}]
    document["dependencies"] = [
        {name: [ref for ref in value if not ref.startswith("pip==")] if name == "dependsOn" else value
         for name, value in part.items()}
        for part in document["dependencies"] if not part["ref"].startswith("pip==")
    ]  # fmt: skip
    root["externalReferences"] = [
        link for link in root.get("externalReferences", ()) if not link["url"].startswith("file:")
    ]
    file.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if str(ROOT) in json.dumps(document):
        fail("The bill of materials names a folder of this machine.")
    names = {part["name"] for part in document["components"]}
    missing = {"pyarrow", "msgraph-sdk"} - names
    if missing:
        fail(f"The bill of materials lacks {', '.join(sorted(missing))}.")
    print(f"bill of materials: {len(names)} packages")


def run(auditor: Path) -> None:
    """Audit the demo with an installed program, outside the source tree."""
    program = auditor.absolute()
    with tempfile.TemporaryDirectory() as folder:
        output = subprocess.run([program, "--version"], cwd=folder, check=True, capture_output=True, text=True).stdout
        if output.strip() != f"auditor {version()}":
            fail(f"The program says {output.strip()!r}.")
        subprocess.run([program, "validate"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        code = subprocess.run(
            [program, "audit", "--demo", "-o", "out"], cwd=folder, check=False, stdout=subprocess.DEVNULL
        ).returncode
        if code > 1 or not Path(folder, "out", "report.html").stat().st_size:
            fail(f"The demo ended with {code}.")
    print("an empty environment with the wheel audits the demo")


def main(words: list[str]) -> None:
    """Run one step."""
    match words:
        case ["check"]:
            check("")
        case ["check", "--tag", tag]:
            check(tag)
        case ["build", dist]:
            build(Path(dist).absolute())
        case ["bill", python, file]:
            bill(Path(python), Path(file).absolute())
        case ["run", auditor]:
            run(Path(auditor))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
