"""Reviews, and the proof that their writers bought what they write about."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Avg, Count, Exists, OuterRef, Q, Subquery
from django.utils import timezone

BEST_RATING = 5
TEXT_CHARACTERS = 2000


class VerifiedCustomerQuerySet(models.QuerySet):
    def with_order(self) -> "VerifiedCustomerQuerySet":
        """Adds `order_number`, in the same query: the first order that proves it."""
        evidence = Purchase.objects.filter(verified=OuterRef("pk")).order_by("bought_at", "pk")
        return self.annotate(order_number=Subquery(evidence.values("order_number")[:1]))


class VerifiedCustomer(models.Model):
    """A customer who bought a product. Exists as long as it has at least one purchase."""

    customer_id = models.CharField(max_length=64)
    sku = models.CharField(max_length=32)
    verified_at = models.DateTimeField(default=timezone.now)

    objects = VerifiedCustomerQuerySet.as_manager()

    class Meta:
        ordering = ["-verified_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["customer_id", "sku"], name="verified_once_per_product")
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} bought {self.sku}"


class Purchase(models.Model):
    """The proof: one order with the product. Cancelling one of two orders keeps the badge."""

    verified = models.ForeignKey(
        VerifiedCustomer, on_delete=models.CASCADE, related_name="purchases"
    )
    order_number = models.CharField(max_length=32, db_index=True)
    bought_at = models.DateTimeField()

    class Meta:
        ordering = ["bought_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["verified", "order_number"], name="one_purchase_per_order"
            )
        ]

    def __str__(self) -> str:
        return self.order_number


class CancelledOrder(models.Model):
    """An order that proves nothing any more, even if its creation arrives only afterwards."""

    order_number = models.CharField(max_length=32, unique=True)
    heard_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-heard_at", "-pk"]

    def __str__(self) -> str:
        return self.order_number


class ReviewQuerySet(models.QuerySet):
    def approved(self) -> "ReviewQuerySet":
        return self.filter(status=Review.Status.APPROVED)

    def of_customer(self, customer_id: str) -> "ReviewQuerySet":
        return self.filter(customer_id=customer_id)

    def with_verified(self) -> "ReviewQuerySet":
        """Adds `verified`, in the same query: whether the writer is a verified customer."""
        badge = VerifiedCustomer.objects.filter(
            customer_id=OuterRef("customer_id"), sku=OuterRef("sku")
        )
        return self.annotate(verified=Exists(badge))

    def rating(self) -> dict:
        """Returns `average` (None without reviews) and `count`."""
        return self.aggregate(average=Avg("rating"), count=Count("pk"))


class Review(models.Model):
    """What one customer thinks of one product."""

    class Status(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"

    customer_id = models.CharField(max_length=64)
    customer_name = models.CharField(max_length=80)
    sku = models.CharField(
        max_length=32, validators=[RegexValidator(r"\A[A-Za-z0-9-]+\Z", "Not a product's sku.")]
    )
    rating = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(BEST_RATING)]
    )
    text = models.TextField(max_length=TEXT_CHARACTERS)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["sku", "status"], name="reviews_of_product")]
        constraints = [
            models.UniqueConstraint(fields=["customer_id", "sku"], name="one_review_per_product"),
            models.CheckConstraint(
                condition=Q(rating__gte=1, rating__lte=BEST_RATING), name="rating_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_name} on {self.sku}"

    @property
    def stars(self) -> str:
        return "★" * self.rating + "☆" * (BEST_RATING - self.rating)
