from orders import services
from reviews.models import Review


def test_a_review_is_shown_when_somebody_has_read_it(browser, office, maria, product):
    services.place_order(maria, {product.sku: 1})
    assert "1 to review" in browser.get("/").content.decode()
    browser.post("/CD-0001/reviews/write/", {"rating": 4, "text": "Cool."})
    assert "to review" not in browser.get("/").content.decode()
    assert "Cool." not in browser.get("/CD-0001/").content.decode()
    chosen = {"action": "approve", "_selected_action": [Review.objects.get().pk]}
    office.post("/admin/reviews/review/", chosen)
    page = browser.get("/CD-0001/").content.decode()
    assert "★★★★☆ Maria, verified" in page
    assert "Cool." in page


def test_an_order_says_what_is_left_to_review(browser, maria, product):
    order = services.place_order(maria, {product.sku: 1})
    path = f"/orders/{order.number}/"
    assert "Review Kind of Blue" in browser.get(path).content.decode()
    Review.objects.create(customer=maria, product=product, rating=5, text="Cool.")
    assert "Review Kind of Blue" not in browser.get(path).content.decode()


def test_a_second_review_takes_the_place_of_the_first(browser, product):
    for rating in (1, 5):
        browser.post("/CD-0001/reviews/write/", {"rating": rating, "text": "Hm."})
    assert Review.objects.get().rating == 5
