"""Builds the view model of a Result that the page, mails, the Markdown summary and the terminal share."""
