from django.contrib.auth.models import Permission
from django.test.runner import DiscoverRunner


class Careful(DiscoverRunner):
    """The project's own. What it asks while tests are set up is none of the code's."""

    def run_suite(self, suite, **kwargs):
        list(Permission.objects.filter(content_type__app_label="sales"))
        return super().run_suite(suite, **kwargs)


class Foreign:
    """One that has nothing of Django's."""

    def __init__(self, **kwargs):
        pass

    @classmethod
    def add_arguments(cls, parser):
        pass

    def run_tests(self, labels):
        return 0
