"""Product sets of a tenant as masks over its SKUs; bounds, pools and prices of seats."""
