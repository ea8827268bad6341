"""Keeps nights in a store and checks them."""
