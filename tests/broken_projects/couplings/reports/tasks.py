TASKS = ["suppliers.tasks.refresh_prices", "reports.tasks.nothing", "e.g", "suppliers.gone.away"]  # C


def load(get_class, send_task):
    send_task("suppliers.tasks.refresh_prices")  # C
    get_class("orders.services", "place")  # C
    return {"model": "orders.Order", "field": "orders.order_by", "file": "orders.csv"}  # C
