import factory

from goods.models import Product
from suppliers.models import Supplier


class SupplierFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Supplier


class ProductFactory(factory.django.DjangoModelFactory):
    supplier = factory.SubFactory(SupplierFactory)

    class Meta:
        model = Product
        skip_postgeneration_save = True

    @factory.post_generation
    def look(self, create, extracted, **kwargs):
        list(Supplier.objects.filter(product__name="CD"))
