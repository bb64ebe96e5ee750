from django.shortcuts import redirect, render


def welcome(request):
    if request.GET.get("orders"):
        return redirect("orders:list")  # C
    if request.GET.get("elsewhere"):
        return redirect("/orders/")  # decoy
    return render(request, "accounts/welcome.html")
