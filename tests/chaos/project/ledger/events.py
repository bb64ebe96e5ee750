"""What the ledger announces."""

import carveout


class EntryMade(carveout.Event, key="account"):
    """An account got an entry."""

    account: str
    number: int


class AccountClosed(carveout.Event, key="account"):
    """An account got the last entry of a period."""

    account: str
    number: int
