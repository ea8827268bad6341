"""Routes whole tables of findings to articles of `guidance`, and words the composed articles for actions."""
