"""Looks up Microsoft's products and service plans by id or name, and the list of free products."""

from auditor.catalogue.model import Catalogue, FreeProduct, Product, ServicePlan, clean, fold
from auditor.catalogue.store import builtin, completed, dumps, free_products, loads
from auditor.catalogue.suggestions import Resemblance, nearest_name, product_label, products_named, suggest

__all__ = [
    "Catalogue",
    "FreeProduct",
    "Product",
    "Resemblance",
    "ServicePlan",
    "builtin",
    "clean",
    "completed",
    "dumps",
    "fold",
    "free_products",
    "loads",
    "nearest_name",
    "product_label",
    "products_named",
    "suggest",
]
