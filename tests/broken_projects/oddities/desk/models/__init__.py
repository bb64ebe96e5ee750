from desk.models.desk import Desk  # noqa: F401
from desk.models.offer import Offer  # noqa: F401
