"""Builds the evidence of findings about users, as columns: properties, licences, access and usage."""
