"""Everything that Carveout keeps in Redis, as copies only."""
