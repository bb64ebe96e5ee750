import requests
from django.core.mail import EmailMessage


class Sender:
    def __init__(self, text):
        self.message = EmailMessage(text)

    def send(self):
        self._deliver()

    def _deliver(self):
        self.message.send()


class Mailer(Sender):
    def prepare(self):
        return EmailMessage("…")


def track(number):
    return requests.get("…").json()
