from django.contrib.auth.models import Permission

SHIP = "orders.ship_order"  # C
BY_MODEL = {
    "catalogue.product": "catalogue.view_product",  # C C: the label too
    "orders.order": "orders.view_order",  # C C
}


def may(user, action):
    return (
        user.has_perm(f"orders.{action}_order")  # C: not sure which
        or user.has_perm("catalogue.%s_product" % action)  # C
        or user.has_perms(["reviews.add_review", "orders.audit"])  # C C: one that no model has
        or user.has_module_perms("suppliers")  # C
        or user.has_perm(SHIP)  # decoy: told where the constant stands
        or user.has_perm(BY_MODEL[action])  # decoy: likewise
        or user.has_perm(f"reports.{action}_showing")  # decoy: our own
        or user.has_perm("elsewhere.view")  # decoy: no such app
        or user.has_perm(f"{action}.view_order")  # decoy: any app
    )


def of_staff():
    yield Permission.objects.get(codename="ship_order")  # C
    yield Permission.objects.get(content_type__app_label="shipping", codename="add_parcel")  # C
    yield Permission.objects.filter(content_type__app_label="accounts")  # C
    yield Permission.objects.get(codename="no_such_thing")  # decoy
