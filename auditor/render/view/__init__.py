"""Builds the view model of a Result that all reports for people share."""
