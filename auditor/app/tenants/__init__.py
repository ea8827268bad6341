"""Reads live tenants and diagnoses access to them."""
