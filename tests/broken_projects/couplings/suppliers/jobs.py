from dramatiq import actor
from celery import shared_task


@actor(actor_name="order_more")
def order_more_of(product):
    pass


@shared_task(name="twice")
def second_of_two():
    pass
