import logging

from celery import shared_task

BEAT = {
    "late": {"task": "orders.late", "schedule": 60},  # C
    "nightly": {"task": "reports.nightly", "schedule": 60},  # decoy: our own
    "gone": {"task": "orders.gone", "schedule": 60},  # decoy: no such task
}
REMIND = "orders/remind"
log = logging.getLogger("orders.late")  # decoy: a log


@shared_task(name="reports.nightly")
def nightly():
    pass


def all_of_them(app, signature, broker):
    app.send_task("orders.late")  # C
    app.send_task(REMIND)  # C
    app.send_task("orders.tasks.close")  # C
    signature("count_orders", args=(1,))  # C
    broker.enqueue("order_more")  # C
    broker.enqueue("twice")  # decoy: two tasks have this name
    signature("names.nothing")  # decoy: no task
    print("count_orders", "order_more")  # decoy: no calls of them
