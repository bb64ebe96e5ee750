"""Lookups that reach a query through a variable."""

import operator
from enum import Enum
from functools import reduce

from django.conf import settings
from django.db.models import Count, F, Q
from reports import columns
from reports.columns import FIELDS, LABELS, Columns, of_orders
from reports.models import Showing

NAMES = ("review__stars",)  # C: where it is written
MORE = [*NAMES, "pk"]
MORE += ["bundle__name"]  # C
SORTS = {"name": "bundle__name", "pk": "pk"}  # C
FILTERS = {"late": {"shown_of__paid": False}, "bundle__name": {}}  # C: not of the outer key
WORDS = {"title": "bundle__name"}  # decoy: goes into a message
HIDDEN = {"bundle__name": 1}  # decoy: a parameter hides it
LATE = Q(shown_of__paid=False)  # C


def by_q():
    q = Q(bundle__name=1)  # C
    return Showing.objects.filter(q)


def by_more():
    q = Q()
    q |= Q(bundle__name=1)  # C
    q &= ~Q(review__stars=1)  # C
    q.add(Q(shown_of__paid=True), Q.AND)  # C
    return Showing.objects.exclude(q)


def by_or(plain):
    q = Q(pk=1) | Q(bundle__name=1) if plain else Q(("review__stars", 1))  # C C
    q = q & LATE
    return Showing.objects.filter(q, pk=1)


def by_conditions(stars):
    conditions = [Q(bundle__name=1)]  # C
    conditions.append(Q(review__stars=stars))  # C
    for paid in stars:
        conditions += [Q(shown_of__paid=paid)]  # C
    return Showing.objects.filter(reduce(operator.or_, conditions))


def by_dict():
    w = {"bundle__name": 1}  # C
    w["review__stars"] = 1  # C
    return Showing.objects.filter(**w)


def by_update():
    w = dict(bundle__name=1)  # C
    w.update(review__stars=1)  # C
    w.update({"shown_of__paid": 1})  # C
    return Showing.objects.get(**w)


def by_setdefault(given):
    w = dict([("bundle__name", 1)], **given)  # C
    w.setdefault("review__stars", 1)  # C
    return Showing.objects.filter(Q(**w))


def by_key(field="bundle__name"):  # C
    name = "review__stars"  # C
    w: dict = {name: 1}
    return Showing.objects.filter(**w, **{field: 1})


def by_choice(late):
    return Showing.objects.filter(**FILTERS[late], **(of_orders() if late else {}))  # C


def by_copy(late):
    w = {"bundle__name": 1}.copy()  # C
    w |= {"review__stars": 1} if late else {}  # C
    x, y = {**w}, {"shown_of__paid": 1}  # C
    return Showing.objects.filter(**x).exclude(**(y or {}))


def by_fields():
    return Showing.objects.values_list(*FIELDS), Showing.objects.order_by(*MORE)  # C


def by_module():
    yield Showing.objects.order_by(*columns.FIELDS)  # C
    yield Showing.objects.select_related(*columns.Columns.joined)  # C


def by_labels():
    return Showing.objects.values(*LABELS)  # C C: keys, which lead over two apps


def by_value(name):
    return Showing.objects.order_by(LABELS["by"]), Showing.objects.order_by(SORTS.get(name, "pk"))  # C


def by_list(rows):
    fields = []
    fields.append("bundle__name")  # C
    fields.extend(["review__stars", "pk"])  # C
    fields.insert(0, "-shown_of__paid")  # C
    return Showing.objects.order_by(*fields)


def by_loop():
    rows = Showing.objects.all()
    for field in ("bundle__name", "pk"):  # C
        rows = rows.order_by(field)
    for field, value in {"review__stars": 1}.items():  # C
        rows = rows.filter(**{field: value})
    w = {}
    while rows:
        rows = rows.filter(**w)
        w["shown_of__paid"] = 1  # C
    return rows


def by_comprehension(names):
    w = {field: 1 for field in ["bundle__name"]}  # C
    qs = [Q(review__stars=name) for name in names]  # C
    return Showing.objects.filter(*qs, **w)


def by_expression():
    count = Count("bundle__name")  # C
    sums = {"n": F("review__stars")}  # C
    order = [F("shown_of__paid").desc()]  # C
    return Showing.objects.annotate(count, n=count, **sums).order_by(*order)


def by_walrus():
    if w := {"bundle__name": 1}:  # C
        return Showing.objects.filter(**w)


def by_closure():
    w = {"bundle__name": 1}  # C

    def inner():
        return Showing.objects.filter(**w)

    return inner


class Shown(Columns):
    fields = ("bundle__name",)  # C
    condition = Q(review__stars=1)  # C

    def __init__(self):
        self.where = {}
        self.where["shown_of__paid"] = 1  # C

    def get_where(self):
        return {"bundle__name": 1}  # C

    def rows(self):
        rows = Showing.objects.filter(self.condition, **self.where)
        return rows.filter(**self.get_where()).order_by(*self.fields)

    def late(self):
        return Showing.objects.filter(**self.late).order_by(*Shown.fields)  # C

    @classmethod
    def joined(cls):
        return Showing.objects.select_related(*cls.joined)  # C


def send(**given):
    return given


def elsewhere(stars):
    w = {"bundle__name": 1}  # decoy: goes elsewhere
    send(**w)
    q = Q(review__stars=1)  # decoy: asked of nothing
    fields = ["bundle__name"]  # decoy
    send(fields=fields, q=q)
    return Showing.objects.filter(pk__in=fields, review=stars)


def given(HIDDEN):
    return Showing.objects.filter(**HIDDEN)  # decoy: what it is given nobody knows


def made_anew():
    w = {"bundle__name": 1}  # decoy: given away, and something else then
    send(**w)
    w = {"pk": 1}
    rows = Showing.objects.filter(**w)
    w["review__stars"] = 1  # decoy: too late
    send(**w)
    return rows


def as_values():
    w = {"pk": "bundle__name"}  # decoy: values are what is compared with
    new = {"bundle__name": F("pk")}  # decoy: a new name
    w2 = {"bundle__name": 1}  # decoy: a value that is kept
    rows = Showing.objects.filter(**w).annotate(**new)
    rows = rows.order_by(WORDS2["bundle__name"])
    return rows, Showing.objects.update_or_create(pk=1, defaults=w2)


WORDS2 = {"bundle__name": "pk"}  # decoy: the key is no field


def by_one_of_several(late):
    several = [{"bundle__name": 1}, {"pk": 1}]  # C
    several.append({"review__stars": 1})  # C
    for each in several:
        yield Showing.objects.filter(**each)
    yield Showing.objects.filter(**several[late])


class By(str, Enum):
    NAME = "bundle__name"  # C


def by_enum():
    return Showing.objects.order_by(By.NAME.value)


def by_default(FIELDS=FIELDS):
    return Showing.objects.order_by(*FIELDS)  # C


def by_settings():
    return Showing.objects.order_by(*settings.REPORTED)  # C
