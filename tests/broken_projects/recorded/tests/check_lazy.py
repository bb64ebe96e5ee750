from sales import services


def test_whoever_reads_the_rows_did_not_ask_for_the_join(order):
    assert list(services.of_country("DE"))
    assert list(services.streamed("DE"))


def test_statements_by_hand(order):
    services.late()
    services.names()
    assert services.ordered_products().count() == 1


def test_a_method_of_an_inherited_manager(order):
    assert services.visible("DE")
