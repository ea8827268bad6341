"""Holds rendered bytes against a file that a person has read and approved."""

from pathlib import Path

APPROVED = Path(__file__).parent
ACTUAL = APPROVED.parent / "actual"


def check(name: str, body: bytes) -> None:
    """Fail unless `body` is the approved file; what came instead is left in tests/actual for review."""
    approved = APPROVED / name
    if approved.is_file() and approved.read_bytes() == body:
        return
    ACTUAL.mkdir(exist_ok=True)
    (ACTUAL / name).write_bytes(body)
    raise AssertionError(
        f"{name} differs from the approved file; read tests/actual/{name}, "
        f"and if it is right copy it to tests/golden/{name}"
    )
