"""Tests of the tenants file."""
