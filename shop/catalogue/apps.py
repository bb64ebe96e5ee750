"""Django's configuration of the catalogue."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "shop.catalogue"
    label = "catalogue"
