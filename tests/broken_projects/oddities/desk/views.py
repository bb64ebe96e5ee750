from django.http import HttpResponse


def opened(request):
    return HttpResponse()
