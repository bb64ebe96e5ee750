from goods.models.good import Good  # noqa: F401
