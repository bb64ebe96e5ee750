"""What the table of cards announces by itself."""

import carveout
from cards.models import Card


class CardAdded(carveout.Event, key="key"):
    """A card is there."""

    key: str


class CardChanged(carveout.Event, key="key"):
    """A card has another version."""

    key: str


class CardRemoved(carveout.Event, key="key"):
    """A card is gone."""

    key: str


carveout.announces(Card, created=CardAdded, changed=(CardChanged, ["version"]), deleted=CardRemoved)
