"""Compares the corpus with its frozen checksums, or freezes it again.

python -m tests.corpus            exit 1, with the name of every file that differs, is missing or is new
python -m tests.corpus --freeze   write tests/corpus/checksums.txt
python -m tests.corpus --keep DIR leave the files in DIR, to compare two trees with `diff -r`
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.corpus.commands import run
from tests.corpus.content import checksum

FROZEN = Path(__file__).with_name("checksums.txt")
PREPARED = ("demo", "seeded", "nights", "restored")
"""Folders with input or a store; other tests check their files."""


def checksums(root: Path) -> dict[str, str]:
    """Return the checksum of every file below `root` that a command wrote or printed, by its relative path."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    names = {path.relative_to(root).as_posix(): path for path in files}
    return {name: checksum(path) for name, path in names.items() if name.split("/")[0] not in PREPARED}


def differences(frozen: Mapping[str, str], actual: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for every file that differs, is missing or is new."""
    for name in sorted(frozen.keys() | actual.keys()):
        if name not in actual:
            yield f"missing: {name}"
        elif name not in frozen:
            yield f"new:     {name}"
        elif frozen[name] != actual[name]:
            yield f"differs: {name}"


def read(text: str) -> dict[str, str]:
    """Return the checksums in a text like the output of `sha256sum`, by file name."""
    return {name: digest for digest, name in (line.split("  ", 1) for line in text.splitlines())}


def main(arguments: list[str] | None = None) -> int:
    """Run every command of the corpus in an empty folder, and compare or freeze the output."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description="Compare or freeze the corpus.")
    parser.add_argument("--freeze", action="store_true", help="write checksums.txt instead of comparing")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="run in this new folder and keep it")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        root = options.keep or Path(temporary)
        root.mkdir(parents=True, exist_ok=True)
        run(root)
        actual = checksums(root)
    if options.freeze:
        lines = (f"{digest}  {name}\n" for name, digest in actual.items())
        FROZEN.write_text("".join(lines), encoding="utf-8", newline="\n")
        print(f"{len(actual)} files frozen")
        return 0
    changed = tuple(differences(read(FROZEN.read_text(encoding="utf-8")), actual))
    print("\n".join(changed) or f"{len(actual)} files are equal")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
