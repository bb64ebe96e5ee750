"""A process that answers some requests: python serve.py [broken]"""

import sys

import django

django.setup()

from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)

from goods.models import Product
from sales import services
from suppliers.models import Supplier

product = Product.objects.create(
    name="CD", supplier=Supplier.objects.create(name="S", country="DE")
)
order = services.place(product)
if "broken" in sys.argv:
    from carveout.carving.recorder import attribution

    attribution._StackWalk.result = lambda self: 1 / 0

browser = Client()
paths = ["/country/DE/", f"/order/{order.pk}/", "/list/", f"/buy/{product.pk}/", "/nowhere/"]
print(*[browser.get(path).status_code for path in paths], "sqlglot" in sys.modules)
