"""Every state of the parent's side × every context × both directions: `make browser-matrix`."""
