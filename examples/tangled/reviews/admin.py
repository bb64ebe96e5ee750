from django.contrib import admin

from reviews.models import Review


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):
    list_display = ["product", "customer", "rating", "verified", "status", "created_at"]
    list_filter = ["status", "product__artist"]
    search_fields = ["text", "product__name", "customer__email"]
    autocomplete_fields = ["product", "customer"]
    actions = ["approve"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("product", "customer").with_verified()

    @admin.display(boolean=True)
    def verified(self, review) -> bool:
        return review.verified

    @admin.action(description="Approve", permissions=["change"])
    def approve(self, request, reviews):
        reviews.update(status=Review.Status.APPROVED)
