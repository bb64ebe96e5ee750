"""What the table of cards announces by itself."""

import carveout
from cards.models import Card


class CardAdded(carveout.Event, key="card"):
    """A card is there."""

    card: str


class CardChanged(carveout.Event, key="card"):
    """A card has another version."""

    card: str


class CardRemoved(carveout.Event, key="card"):
    """A card is gone."""

    card: str


carveout.announces(
    Card,
    created=CardAdded,
    changed=(CardChanged, ["version"]),
    deleted=CardRemoved,
    fields={"card": "key"},
)
