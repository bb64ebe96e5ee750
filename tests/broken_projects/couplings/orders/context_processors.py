def basket(request):
    return {}
