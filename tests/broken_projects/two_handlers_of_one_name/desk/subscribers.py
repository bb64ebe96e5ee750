"""Copied, and the name forgotten."""

import carveout


@carveout.subscribe("depot.BoxMoved")
def on_box(event): ...


@carveout.subscribe("depot.BoxLost")
def on_box(event): ...  # noqa: F811
