"""Series of nights of a small tenant: people are added, changed, removed and added again, and so are columns."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import Cloud, Source, SourceStatus
from auditor.domain.result.model import Coverage
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.model import Manifest, Snapshot

START = datetime(2026, 1, 29, 2, 17, tzinfo=UTC)
SKUS = ("05e9a617-0261-4cee-bb44-138d3ef5d965", "06ebc4ee-1bb5-47dd-8120-11324bc54e06")
_TEXT = st.one_of(st.none(), st.sampled_from(["", "Oslo", "Århus\x1b[31m", "a" * 40, "\u202eevil", "=cmd()"]))
_INSTANT = st.one_of(
    st.none(),
    st.integers(-40_000_000, 1_800_000_000_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC)),
    st.integers(0, 1_800_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.sampled_from([START, START + timedelta(seconds=1), START - timedelta(days=1)]),
)
_STATE = st.fixed_dictionaries(
    {
        "skuId": st.sampled_from(SKUS),
        "assignedByGroup": st.sampled_from([None, "g1", "g2"]),
        "state": st.sampled_from(["Active", "Error", None]),
        "error": st.sampled_from([None, "CountViolation"]),
        "disabledPlans": st.sampled_from([None, [], ["p1"], ["p1", "p2"]]),
        "lastUpdatedDateTime": _INSTANT,
    }
)


def _user(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "id": st.just(name),
            "displayName": _TEXT,
            "city": _TEXT,
            "accountEnabled": st.sampled_from([True, False, None]),
            "createdDateTime": _INSTANT,
            "signInActivity": st.fixed_dictionaries(
                {
                    "lastSignInDateTime": _INSTANT,
                    "lastNonInteractiveSignInDateTime": _INSTANT,
                    "lastSuccessfulSignInDateTime": _INSTANT,
                }
            ),
            "notCollected": st.sampled_from([None, ["signInActivity"], ["city", "mailboxType"]]),
            "assignedLicenses": st.lists(
                st.fixed_dictionaries(
                    {"skuId": st.sampled_from(SKUS), "disabledPlans": st.sampled_from([None, ["p1"]])}
                ),
                max_size=2,
                unique_by=lambda item: str(item["skuId"]),
            ),
            "licenseAssignmentStates": st.lists(_STATE, max_size=3),
        }
    )


@st.composite
def states(draw: st.DrawFn) -> Mapping[str, Any]:
    """Draw the state of one night, in the form of Graph."""
    names = draw(st.lists(st.sampled_from([f"u{n:02}" for n in range(12)]), unique=True, max_size=10))
    return {
        "users": [draw(_user(name)) for name in names],
        "subscribedSkus": [
            {"skuId": sku, "skuPartNumber": "SPE_E3", "appliesTo": "User", "consumedUnits": draw(st.integers(0, 9)),
             "prepaidUnits": {"enabled": draw(st.sampled_from([None, 5, 10]))}}
            for sku in draw(st.sets(st.sampled_from(SKUS)).map(sorted))
        ],
        "groups": [{"id": "g1", "displayName": draw(_TEXT), "members": sorted(names[:2])}],
    }  # fmt: skip


@st.composite
def series(draw: st.DrawFn) -> tuple[Snapshot, ...]:
    """Draw up to six nights; a night often resembles the previous one, as in reality."""
    snapshots: list[Snapshot] = []
    state: Mapping[str, Any] = draw(states())
    columns: tuple[str, ...] | None = None
    day = 0
    for _ in range(draw(st.integers(1, 6))):
        day += draw(st.sampled_from([1, 1, 1, 30]))
        match draw(st.sampled_from(["same", "change", "fresh"])):
            case "change" if state["users"]:
                number = draw(st.integers(0, len(state["users"]) - 1))
                changed = draw(_user(state["users"][number]["id"]))
                users = [changed if i == number else user for i, user in enumerate(state["users"])]
                members = draw(st.lists(st.sampled_from([user["id"] for user in users]), unique=True).map(sorted))
                state = {**state, "users": users, "groups": [{**state["groups"][0], "members": members}]}
            case "fresh":
                state = draw(states())
            case _:
                pass
        if draw(st.integers(0, 4)) == 0:
            columns = draw(st.sampled_from([None, ("id", "displayName", "notCollected")]))
        snapshots.append(night(state, day, rows=draw(st.sampled_from([3, 1 << 30])), columns=columns))
    return tuple(snapshots)


def night(
    state: Mapping[str, Any],
    day: int,
    *,
    rows: int = 1 << 30,
    columns: tuple[str, ...] | None = None,
    asked: tuple[str, ...] = ("id",),
) -> Snapshot:
    """Return the snapshot of one night of the tenant."""
    # A missing column corresponds to a source that was not needed.
    not_needed = set() if columns is None else {Source.SIGN_IN_ACTIVITY, Source.MAILBOXES}
    sources = tuple(
        Coverage(name=s, status=SourceStatus.NOT_NEEDED if s in not_needed else SourceStatus.COMPLETE, asked=asked)
        for s in Source
    )
    manifest = Manifest(
        tenant="contoso", tenant_id="t", cloud=Cloud.WORLDWIDE, instant=START + timedelta(days=day), sources=sources
    )
    snapshot = snapshot_of(state, manifest, rows=rows)
    if columns is None:
        return snapshot
    return replace(snapshot, read_users=lambda _, links: snapshot.read_users(columns, links))
