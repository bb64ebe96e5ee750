from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.test import Client
from django.urls import reverse

from orders.models import Order


class Command(BaseCommand):
    help = "Buy a product as a customer's browser does, and say what came of it."

    def add_arguments(self, parser):
        parser.add_argument("sku")

    def handle(self, sku, **options):
        customer, _ = get_user_model().objects.get_or_create(
            username="tester", defaults={"email": "tester@example.com"}
        )
        browser = Client(raise_request_exception=False, SERVER_NAME="localhost")
        browser.force_login(customer)
        before = Order.objects.count()
        browser.post(reverse("orders:basket"), {"sku": sku, "quantity": 1})
        answer = browser.post(reverse("orders:checkout"))
        stored = Order.objects.count() - before
        self.stdout.write(f"Checkout answered {answer.status_code}; orders stored: {stored}")
