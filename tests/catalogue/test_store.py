"""The compact JSON of a catalogue: round trips, stable lines, damaged files; the built-in catalogue."""

import json
import re
from importlib.resources import files
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.catalogue import Catalogue, Product, ServicePlan, builtin, dumps, free_products, loads
from auditor.catalogue.microsoft import parse
from auditor.catalogue.model import clean, fold, unprintable
from auditor.domain.errors import AuditorError
from tests.builders.document.microsoft_csv import E3, ENTRA, EXCHANGE, F3_ENTRA, ROWS, csv_text, rows_of

SMALL = parse(csv_text(ROWS), source="table.csv", date="2026-07-29")

NAMES = (
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
    .map(clean)
    .filter(lambda name: name and unprintable(name) is None and name.upper() != "NULL")
)
GUIDS = st.uuids().map(str) | st.integers(0, 9).map(lambda n: f"113feb6c-3fe4-4440-bddc-00000000000{n}")


@st.composite
def catalogues(draw: st.DrawFn, *, aliases: bool) -> Catalogue:
    plans = [
        ServicePlan(id=plan, name=draw(NAMES), friendly_name=draw(NAMES))
        for plan in draw(st.lists(GUIDS, unique=True, max_size=5))
    ]
    products = {}
    for sku in draw(st.lists(GUIDS, unique=True, min_size=1, max_size=5)):
        product_plans = draw(st.lists(st.sampled_from(plans), unique=True)) if plans else []
        products[sku] = Product(
            sku_id=sku,
            part_number=draw(NAMES),
            name=draw(NAMES),
            plans=tuple(sorted(product_plans, key=lambda plan: (fold(plan.name), plan.id))),
            aliases=tuple(sorted(draw(st.sets(NAMES, max_size=2)))) if aliases else (),
        )
    return Catalogue(products=MappingProxyType(products), source=draw(NAMES), date=str(draw(st.dates())))


@pytest.mark.slow
@given(catalogue=catalogues(aliases=True))
def test_json_round_trip(catalogue: Catalogue) -> None:
    text = dumps(catalogue)
    assert loads(text, where="x") == catalogue
    assert dumps(loads(text, where="x")) == text


@pytest.mark.slow
@given(catalogue=catalogues(aliases=False))
def test_microsoft_csv_round_trip(catalogue: Catalogue) -> None:
    text = csv_text(rows_of(catalogue), line_end="\r\n")
    assert parse(text.encode("utf-8-sig"), source=catalogue.source, date=catalogue.date) == catalogue


def test_added_product_changes_only_its_line_and_the_counts() -> None:
    rows = (*ROWS, ("New", "A_FIRST", EXCHANGE, "A_FIRST_PLAN", "00000000-0000-0000-0000-000000000001", "New"))
    before = dumps(SMALL).splitlines()
    after = dumps(parse(csv_text(rows), source="table.csv", date="2026-07-29")).splitlines()
    changed = [line for line in before if line not in after]
    assert len(changed) == 1
    assert changed[0].startswith('"counts"')


def test_plans_with_the_same_first_digits_are_distinguished() -> None:
    plan_id = ENTRA[:8] + "-0000-0000-0000-000000000000"
    row = ("Twin", "TWIN", EXCHANGE, "TWIN", plan_id, "Twin")
    catalogue = parse(csv_text([F3_ENTRA, row]), source="s", date="2026-07-29")
    assert loads(dumps(catalogue), where="x") == catalogue


@pytest.mark.parametrize(
    ("original", "replacement", "message"),
    [
        pytest.param('"auditor/products/v1"', '"auditor/products/v9"', "schema is 'auditor/products/v9'", id="version"),
        pytest.param(E3, E3.upper(), "not a lower-case GUID", id="GUID"),
        pytest.param(
            f'["{E3}", "SPE_E3"', f'["{E3}", "SPE\\u001b_E3"', "not allowed in a name", id="control character"
        ),
        pytest.param('"SPE_E3"', '" SPE_E3"', "not allowed in a name", id="padding"),
        pytest.param('"SPE_E3"', "3", "3 is not text", id="number"),
        pytest.param('"SPE_E3", ', "", "", id="a cell less"),
        pytest.param(f'["{ENTRA}", "AAD_PREMIUM", "Microsoft Entra ID P1"],\n', "", "'41781fb2'", id="a plan less"),
        pytest.param('"products": 3', '"products": 4', "declares", id="a product less"),
        pytest.param('"counts"', '"count"', "no 'counts'", id="no counts"),
        pytest.param('"date": "2026-07-29"', '"date": "July"', "July", id="date"),
        pytest.param('"date": "2026-07-29"', '"date": 7', "", id="date of another type"),
        pytest.param("\n]\n}\n", "", "", id="cut off"),
        pytest.param('{\n"schema"', '["schema"', "", id="not JSON"),
    ],
)
def test_damaged_file_is_an_error_with_file_and_hint(original: str, replacement: str, message: str) -> None:
    text = dumps(SMALL)
    assert original in text
    with pytest.raises(AuditorError) as caught:
        loads(text.replace(original, replacement), where="mine.json")
    assert caught.value.slug == "products-catalogue"
    assert "mine.json is not a product catalogue" in caught.value.message
    assert message in caught.value.message
    assert "auditor products update" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["[]", "null", '"x"', "7", "{}", "[" * 100_000, ""])
def test_other_json_is_an_error(text: str) -> None:
    with pytest.raises(AuditorError, match="not a product catalogue"):
        loads(text, where="mine.json")


def test_builtin_file_is_in_canonical_form() -> None:
    text = files("auditor.catalogue").joinpath("products.json").read_text(encoding="utf-8")
    assert dumps(loads(text, where="products.json")) == text


def test_builtin_catalogue_is_complete_with_source_and_date() -> None:
    catalogue = builtin()
    assert (len(catalogue.products), len(catalogue.plans)) == (619, 791)
    assert "Microsoft" in catalogue.source
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", catalogue.date)
    assert builtin() is catalogue


@pytest.mark.parametrize(
    ("sku_id", "part_number", "name"),
    [
        ("6fd2c87f-b296-42f0-b197-1e91e994b900", "ENTERPRISEPACK", "Office 365 E3"),
        (E3, "SPE_E3", "Microsoft 365 E3"),
        ("420c7602-7f70-4895-9394-d3d679ea36fb", "MCOCAP_FACULTY", "Microsoft Teams Shared Devices for Faculty"),
        ("606b54a9-78d8-4298-ad8b-df6ef4481c80", "CCIBOTS_PRIVPREV_VIRAL", "Microsoft Copilot Studio Viral Trial"),
        ("4b74a65c-8b4a-4fc8-9f6b-5177ed11ddfa", "VIRTUAL_AGENT_USL", "Microsoft Copilot Studio User License"),
    ],
)
def test_builtin_catalogue_has_corrected_names(sku_id: str, part_number: str, name: str) -> None:
    product = builtin().product(sku_id.upper())
    assert product is not None
    assert (product.part_number, product.name) == (part_number, name)


def test_builtin_catalogue_distinguishes_duplicate_names_and_the_filler_plan() -> None:
    catalogue = builtin()
    assert len(catalogue.by_part_number("MCOPSTN5")) == 2
    assert len(catalogue.plan("PROJECT_ESSENTIALS")) == 2
    assert [plan.id for plan in catalogue.plan("EXCHANGE_S_FOUNDATION")] == ["113feb6c-3fe4-4440-bddc-54d774bf0318"]
    (junk,) = catalogue.plan("EXCHANGE_S_FOUNDATION PBI_PREMIUM_EM1_ADDON")
    assert junk.id != "113feb6c-3fe4-4440-bddc-54d774bf0318"


REQUIRED = (
    "FLOW_FREE",
    "POWER_BI_STANDARD",
    "POWERAPPS_VIRAL",
    "POWERAPPS_DEV",
    "CCIBOTS_PRIVPREV_VIRAL",
    "DYN365_ENTERPRISE_P1_IW",
    "STREAM",
    "FORMS_PRO",
    "WINDOWS_STORE",
    "TEAMS_EXPLORATORY",
    "MICROSOFT_BUSINESS_CENTER",
    "RIGHTSMANAGEMENT_ADHOC",
)


@pytest.mark.parametrize("part_number", REQUIRED)
def test_free_list_contains_the_products_named_by_the_policy_language(part_number: str) -> None:
    catalogue = builtin()
    assert part_number.casefold() in catalogue.free
    assert {product.sku_id for product in catalogue.by_part_number(part_number)} <= catalogue.free


def test_every_free_product_is_in_the_catalogue_once_with_a_reason() -> None:
    catalogue = builtin()
    part_numbers = [item.part_number for item in free_products()]
    assert len(set(map(str.casefold, part_numbers))) == len(part_numbers)
    for item in free_products():
        assert [product.part_number for product in catalogue.by_part_number(item.part_number)] == [item.part_number]
        assert item.reason.endswith(".")


@pytest.mark.parametrize(
    "part_number", ["SPE_E3", "STREAM_P2", "Forms_Pro_USL", "TEAMS_COMMERCIAL_TRIAL", "MS_TEAMS_IW"]
)
def test_paid_products_and_trials_are_not_free(part_number: str) -> None:
    catalogue = builtin()
    (product,) = catalogue.by_part_number(part_number)
    assert not catalogue.is_free(product)


def test_every_current_name_differs_from_the_table_and_has_a_source() -> None:
    folder = files("auditor.catalogue")
    table = loads(folder.joinpath("products.json").read_text(encoding="utf-8"), where="products.json")
    for part_number, name, source in json.loads(folder.joinpath("names.json").read_text(encoding="utf-8"))["products"]:
        assert [product.name != name for product in table.by_part_number(part_number)] == [True], part_number
        assert [product.name for product in builtin().by_part_number(part_number)] == [name]
        assert source.startswith("https://learn.microsoft.com/")


@pytest.mark.parametrize("name", ["free.json", "names.json"])
def test_own_lists_have_a_source_and_a_date(name: str) -> None:
    document = json.loads(files("auditor.catalogue").joinpath(name).read_text(encoding="utf-8"))
    assert document["source"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", document["date"])
