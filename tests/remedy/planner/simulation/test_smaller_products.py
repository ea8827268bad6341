"""A smaller product in place of one that groups give: all groups are left, or nothing is changed."""
