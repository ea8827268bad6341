"""Product sets of a tenant as masks over its SKUs."""
