"""A bazaar that does what is allowed and seldom seen. Marks are those of the project `couplings`."""
