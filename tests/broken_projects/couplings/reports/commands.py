from django.core.management import call_command


def tidy(name):
    call_command("close_orders", "--old")  # C
    call_command("migrate")  # decoy: Django's
    call_command(name)  # decoy: nobody knows which
    call_command("no_such_command")  # decoy
