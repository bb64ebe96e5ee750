"""What the desk hears: it looks nothing up for that, only for its pages."""

import carveout


@carveout.subscribe("depot.BoxPacked")
def close(event): ...
