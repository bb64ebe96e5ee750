"""Own copies: models of a context that Carveout keeps equal to another context's lookup."""
