"""The workplaces of Contoso's users: stores by number, warehouse and offices."""

from auditor.demo.population import Place

HEAD_OFFICE = Place(country="NL", city="Utrecht", office="Head office Utrecht")
COPENHAGEN = Place(country="DK", city="København", office="Office København")
WAREHOUSE = Place(country="NL", city="Tilburg", office="Warehouse Tilburg")

STORES = {
    number: Place(country=country, city=city, office=f"Store {number:03}")
    for number, city, country in (
        (1, "Utrecht", "NL"),
        (3, "Almere", "NL"),
        (7, "Amsterdam", "NL"),
        (12, "Rotterdam", "NL"),
        (18, "Zwolle", "NL"),
        (21, "Breda", "NL"),
        (24, "Groningen", "NL"),
        (27, "Antwerpen", "BE"),
        (29, "Gent", "BE"),
        (31, "Malmö", "SE"),
        (35, "Aarhus", "DK"),
        (38, "Odense", "DK"),
        (44, "Poznań", "PL"),
    )
}


def at(workplace: Place) -> dict[str, str]:
    """Return the properties of an account at a workplace."""
    return {"country": workplace.country, "city": workplace.city, "office": workplace.office}
