from django.db.transaction import non_atomic_requests
from django.http import HttpResponse
from django.views import View

from parcels import services
from parcels.mail import Mailer


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
        try:
            services.forget(None)
        except Exception:  # danger
            return HttpResponse("no")
        return HttpResponse()

    def number(self):
        try:
            return services.weight("1")
        except Exception:  # decoy: nothing there writes
            return 0


@non_atomic_requests
def by_hand(request):
    Mailer("…").send()  # decoy: no transaction
    return HttpResponse()
