"""What the product pages show beside the product itself."""

from django.apps import apps
from django.db.models import Avg

from catalogue.models import Product

BESTSELLERS = """
    SELECT product.*, SUM(line.quantity) AS sold
    FROM catalogue_product AS product
    JOIN orders_orderline AS line ON line.product_id = product.id
    JOIN orders_order AS bought ON bought.id = line.order_id
    WHERE bought.status <> 'cancelled'
    GROUP BY product.id
    ORDER BY sold DESC, product.sku
    LIMIT %s
"""


def bestsellers(limit: int = 3) -> list[Product]:
    """The products sold most, each with the number of pieces as `sold`."""
    return list(Product.objects.raw(BESTSELLERS, [limit]))


def rating(product: Product) -> float | None:
    """The mean of a product's approved reviews, in stars."""
    reviews = apps.get_model("reviews", "Review").objects.filter(product=product)
    return reviews.filter(status="approved").aggregate(mean=Avg("rating"))["mean"]
