"""What the desk hears."""

import carveout
from desk.lookups import Box


@carveout.subscribe("depot.BoxPacked")
def close(event, box: Box): ...
