from django.http import HttpResponse
from django.shortcuts import render


def opened(request):
    return HttpResponse()


def sign(request):
    return render(request, "desk/sign.html", {"kept": "desk/of_rows.html"})


def of_rows(request):
    return render(request, "desk/of_rows.html")


def of_more(request):
    return render(request, "desk/of_more.txt")
