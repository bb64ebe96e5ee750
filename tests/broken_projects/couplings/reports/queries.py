from django.db import connection
from django.db.models import Count, F, Q

from reports.models import Showing

LATE = "SELECT * FROM parcel WHERE NOT sent"  # C
TEXT = "Select what you like from orders and reviews"  # decoy: those are no tables


def late():
    with connection.cursor() as cursor:
        cursor.execute(LATE)  # decoy: told where it stands
        cursor.execute(
            "SELECT count(*) FROM orders_order o JOIN suppliers_supplier s ON s.id = o.id"  # C C
        )
        cursor.execute("SELECT * FROM reports_showing")  # decoy
        return cursor.fetchall()


def shown():
    return Showing.objects.extra(tables=["catalogue_product"]).filter(  # C C
        Q(review__stars__gt=3), bundle__name=F("review__line__order__paid")  # C C C
    )


def by_hand():
    return Showing.objects.raw("SELECT s.* FROM reports_showing s, accounts_person p")  # C


def counted():
    return Showing.objects.values("review__product__name").annotate(Count("bundle"))  # C C


def of_person(person):
    """
    SELECT * FROM accounts_person is only spoken of here: decoy.
    """
    table = "parcel"  # decoy: a name alone is no query
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT * FROM {table}
            JOIN orders_orderline AS line ON line.id = {person}  -- # C
            """
        )


def of_sets(thing, things):
    yield thing.crate_set.count(), thing.showing_set.all()  # C: whatever thing is; the second is ours
    yield thing.nothing_set.all(), thing.bundle_set, things.crate_sets  # decoy: nobody has such
