from django.db import connection


def timed(get_response):
    """Only passes on."""

    def middleware(request):
        return get_response(request)

    return middleware


class CountOrders:
    """Asks something itself, and passes on."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if "count" in request.GET:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT COUNT(*) FROM sales_order o JOIN goods_product p ON o.product_id = p.id"
                )
        return self.get_response(request)
