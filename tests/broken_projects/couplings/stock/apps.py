from framework.stock.apps import StockConfig as Original


class StockConfig(Original):  # C: a fork of the framework's app
    name = "stock"
