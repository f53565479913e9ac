"""A simulated parent: talks to the product through its public API and measures what she met."""
