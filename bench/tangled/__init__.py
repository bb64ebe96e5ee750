"""The shop before carving, `examples/tangled`, as a process that orders can be placed in."""
