"""Everything a reader sees: templates, styles, message catalogues and guidance articles, as data."""
