def test_a_template_is_given_rows(client, order):
    client.get("/country/DE/")


def test_a_template_walks_by_itself(client, order):
    client.get(f"/order/{order.pk}/")


def test_a_view_is_left_before_its_rows_are_read(client, order):
    client.get("/fragment/")


def test_a_view_of_django(client, order):
    client.get("/list/")


def test_a_middleware_asks_itself(client, order):
    client.get("/list/?count")


def test_a_request_is_a_transaction(client, order):
    client.get(f"/buy/{order.product_id}/")
