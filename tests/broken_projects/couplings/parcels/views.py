from django.db.transaction import non_atomic_requests
from django.http import HttpResponse
from django.views import View

from parcels import services
from parcels.loading import get_class
from parcels.mail import Mailer

Loaded = get_class("parcels.mail", "Mailer")


def track(request):
    mailer = Mailer("…")
    mailer.prepare()  # decoy: nothing is sent
    mailer.send()  # danger: the request is a transaction
    services.post(None)  # decoy: told where the transaction is opened
    return HttpResponse()


class Posting(View):
    def get(self, request):
        return HttpResponse(self.number())

    def post(self, request):
        services.follow(1)  # danger
        self.tell()  # decoy: told where it calls the mailer
        try:
            services.forget(None)
        except Exception:  # danger
            return HttpResponse("no")
        return HttpResponse()

    def tell(self):
        Loaded("…").send()  # danger

    def number(self):
        try:
            return services.weight("1")
        except Exception:  # decoy: nothing there writes
            return 0


@non_atomic_requests
def by_hand(request):
    Mailer("…").send()  # decoy: no transaction
    return HttpResponse()
