from django.contrib.auth.decorators import user_passes_test
from django.apps import apps
from django.views.generic import RedirectView


class ToOrders(RedirectView):
    pattern_name = "orders:list"  # C


class Nowhere(RedirectView):
    pattern_name = "nowhere"  # decoy: no such page


@user_passes_test(bool, login_url="reviews:list")  # C
def inside(request):
    return RedirectView.as_view(pattern_name="product")  # C


def installed():
    if apps.is_installed("suppliers"):  # C
        yield apps.get_app_config("shipping").get_models()  # C
    yield apps.is_installed("django.contrib.auth")  # decoy: third-party
    yield apps.is_installed("reports")  # decoy: our own
    yield apps.get_app_config("cars")  # decoy: no such app
