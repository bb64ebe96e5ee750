from django.http import HttpResponse


def listing(request):
    return HttpResponse()
