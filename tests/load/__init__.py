"""A busy day, measured on the running product."""
