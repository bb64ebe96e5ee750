"""Reviews, and the proof that their writers bought what they write about."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone

from catalogue.models import Product

BEST_RATING = 5


class VerifiedCustomer(models.Model):
    """A customer who bought a product. Exists as long as an order proves it."""

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="verified"
    )
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="verified")
    orders = models.ManyToManyField("orders.Order", through="Purchase")
    verified_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "product"], name="verified_once_per_product"
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer} bought {self.product}"


class Purchase(models.Model):
    """The evidence: one order that holds the product. Cancelling one of two keeps the badge."""

    verified = models.ForeignKey(
        VerifiedCustomer, on_delete=models.CASCADE, related_name="purchases"
    )
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="purchases")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["verified", "order"], name="one_purchase_per_order")
        ]

    def __str__(self) -> str:
        return f"{self.verified} in {self.order}"


class ReviewQuerySet(models.QuerySet):
    def approved(self) -> "ReviewQuerySet":
        return self.filter(status=Review.Status.APPROVED).with_verified()

    def with_verified(self) -> "ReviewQuerySet":
        """Adds `verified`, in the same query: did the writer buy the product?"""
        badge = VerifiedCustomer.objects.filter(
            customer=OuterRef("customer"), product=OuterRef("product")
        )
        return self.annotate(verified=Exists(badge))


class Review(models.Model):
    """What one customer thinks of one product."""

    class Status(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="reviews"
    )
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="reviews")
    rating = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(BEST_RATING)]
    )
    text = models.TextField(max_length=2000)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "product"], name="one_review_per_product")
        ]

    def __str__(self) -> str:
        return f"{self.rating} of {BEST_RATING}"
