"""Looks up Microsoft's products and service plans by id or name, and the list of free products."""

from auditor.catalogue.model import Catalogue, FreeProduct, Product, ServicePlan, clean, fold
from auditor.catalogue.store import builtin, dumps, free_products, loads
from auditor.catalogue.suggestions import Resemblance, named, nearest_name, resembling

__all__ = [
    "Catalogue",
    "FreeProduct",
    "Product",
    "Resemblance",
    "ServicePlan",
    "builtin",
    "clean",
    "dumps",
    "fold",
    "free_products",
    "loads",
    "named",
    "nearest_name",
    "resembling",
]
