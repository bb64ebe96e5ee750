"""Reviews: written by signed-in customers, shown when approved, decided on by staff."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework_simplejwt.tokens import AccessToken

from reviews.models import TEXT_CHARACTERS, Review
from reviews.subscribers import mark_verified
from tests.integration.test_reviews_verification import delivery

pytestmark = pytest.mark.django_db

GOOD = {"sku": "CD-01", "rating": 5, "text": "Plays well."}
PRODUCT = "/reviews/products/CD-01/"


def token(user_id="7", **claims) -> str:
    access = AccessToken()
    access.payload.update(user_id=user_id, email=f"{user_id}@example.com", name="Ada", **claims)
    return str(access)


def bearer(user_id="7", **claims) -> dict:
    return {"headers": {"Authorization": f"Bearer {token(user_id, **claims)}"}}


def post(client, data, **extra):
    return client.post("/api/reviews/", data, content_type="application/json", **extra)


def review(**changes) -> Review:
    values = {
        "customer_id": "7",
        "customer_name": "Ada",
        "sku": "CD-01",
        "rating": 4,
        "text": "Fine.",
        "status": Review.Status.APPROVED,
    }
    return Review.objects.create(**values | changes)


def test_a_review_waits_until_somebody_has_read_it(client):
    answer = post(client, GOOD, **bearer())
    assert answer.status_code == 201
    assert answer.json()["status"] == "pending"
    assert answer.json()["customer_name"] == "Ada"
    assert client.get("/api/reviews/").json()["count"] == 0
    assert client.get("/api/reviews/", **bearer("8")).json()["count"] == 0
    assert client.get("/api/reviews/", **bearer("7")).json()["count"] == 1
    assert client.get("/api/reviews/", **bearer("1", is_staff=True)).json()["count"] == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": -1}, "rating"),
        ({"rating": 10**9}, "rating"),
        ({"rating": 4.5}, "rating"),
        ({"rating": "good"}, "rating"),
        ({"rating": None}, "rating"),
        ({"text": "x" * (TEXT_CHARACTERS + 1)}, "text"),
        ({"text": ""}, "text"),
        ({"text": "\x00"}, "text"),
        ({"text": ["a"]}, "text"),
        ({"sku": ""}, "sku"),
        ({"sku": "x" * 33}, "sku"),
        ({"sku": "../admin"}, "sku"),
    ],
)
def test_a_bad_review_is_refused_with_field_and_reason(client, changes, field):
    answer = post(client, GOOD | changes, **bearer())
    assert answer.status_code == 400
    assert answer.json()[field]
    assert not Review.objects.exists()


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "null"])
def test_a_malformed_body_is_refused(client, body):
    assert post(client, body, **bearer()).status_code == 400
    assert not Review.objects.exists()


def test_a_second_review_of_a_product_is_refused_and_the_first_stands(client):
    post(client, GOOD, **bearer())
    answer = post(client, GOOD | {"rating": 1}, **bearer())
    assert answer.status_code == 409
    assert answer.json() == {"sku": ["You have already reviewed this product."]}
    assert Review.objects.get().rating == 5


def test_a_review_needs_a_sign_in(client):
    assert post(client, GOOD).status_code == 401
    assert not Review.objects.exists()


def test_a_customer_can_not_approve_the_own_review(client):
    post(client, GOOD | {"status": "approved", "customer_name": "The Queen"}, **bearer())
    row = Review.objects.get()
    assert (row.status, row.customer_name) == ("pending", "Ada")


def test_a_changed_review_waits_again_and_stays_with_its_product(client):
    row = review()
    answer = client.patch(
        f"/api/reviews/{row.pk}/",
        {"rating": 1, "sku": "CD-02"},
        content_type="application/json",
        **bearer("7"),
    )
    assert answer.status_code == 200
    row.refresh_from_db()
    assert (row.rating, row.sku, row.status) == (1, "CD-01", "pending")


@pytest.mark.parametrize("claims", [{"user_id": "8"}, {"user_id": "1", "is_staff": True}])
@pytest.mark.parametrize("method", ["patch", "delete"])
def test_nobody_changes_the_review_of_another(client, claims, method):
    row = review()
    answer = getattr(client, method)(
        f"/api/reviews/{row.pk}/",
        {"rating": 1},
        content_type="application/json",
        **bearer(**claims),
    )
    assert answer.status_code == 404
    assert Review.objects.get().rating == 4


def test_a_customer_deletes_the_own_review(client):
    row = review()
    assert client.delete(f"/api/reviews/{row.pk}/", **bearer("7")).status_code == 204
    assert not Review.objects.exists()


def test_reviews_can_be_filtered(client):
    review()
    review(customer_id="8", rating=1)
    review(customer_id="8", sku="CD-02")
    assert client.get("/api/reviews/?sku=CD-01").json()["count"] == 2
    assert client.get("/api/reviews/?sku=CD-01&rating=1").json()["count"] == 1


def test_the_badge_of_a_review_is_told_without_a_query_each(client):
    mark_verified([delivery("Created", "A-1")])
    review()
    with CaptureQueriesContext(connection) as one:
        client.get("/api/reviews/")
    for n in range(20):
        review(customer_id=f"c{n}")
    with CaptureQueriesContext(connection) as many:
        rows = client.get("/api/reviews/").json()["results"]
    assert len(many) == len(one)
    assert [row["verified"] for row in rows].count(True) == 1


def test_the_database_refuses_a_rating_out_of_range():
    for rating in (0, 6):
        with pytest.raises(IntegrityError), transaction.atomic():
            review(rating=rating)


def test_the_product_page_shows_reviews_average_and_badges(client):
    mark_verified([delivery("Created", "A-1")])
    review(rating=5)
    review(customer_id="8", customer_name="<b>Bob</b>", rating=2)
    review(customer_id="9", text="Not read yet", status=Review.Status.PENDING)
    page = client.get(PRODUCT, headers={"HX-Request": "true"}).content.decode()
    verified, others = page.split("<h3>")[1:]
    assert "Ada" in verified and "<strong>5.0</strong> of 5 from 1 review<" in verified
    assert "&lt;b&gt;Bob" in others and "<strong>2.0</strong> of 5 from 1 review<" in others
    assert page.count("✓ verified customer") == 1
    assert "Not read yet" not in page
    assert "<form" not in page
    assert "Sign in" in page


def test_reviews_by_verified_customers_can_be_shown_alone(client):
    assert "No reviews yet." in client.get(PRODUCT).content.decode()
    review(customer_id="8", customer_name="Bob")
    assert "by verified customers." in client.get(f"{PRODUCT}?verified=true").content.decode()
    mark_verified([delivery("Created", "A-1")])
    review()
    page = client.get(f"{PRODUCT}?verified=true").content.decode()
    assert "Ada" in page and "Bob" not in page and "Show all reviews" in page
    assert "Verified only" in client.get(PRODUCT).content.decode()
    assert client.get("/api/reviews/?verified=true").json()["count"] == 1
    assert client.get("/api/reviews/?verified=false").json()["count"] == 1
    assert client.get("/api/reviews/?sku=CD-01").json()["count"] == 2


def test_a_signed_in_customer_writes_a_review_with_htmx(client):
    client.cookies["customer"] = token()
    page = client.get(PRODUCT, headers={"HX-Request": "true"})
    assert "<form" in page.content.decode()
    assert '<option value="" selected>Choose …</option>' in page.content.decode()
    answer = client.post(PRODUCT, {"rating": 4, "text": "Nice"}, headers={"HX-Request": "true"})
    assert "Thank you" in answer.content.decode()
    assert "<form" not in answer.content.decode()
    assert Review.objects.get().rating == 4


def test_a_signed_in_customer_writes_a_review_without_javascript(client):
    client.cookies["customer"] = token()
    answer = client.post(PRODUCT, {"rating": 4, "text": "Nice"})
    assert (answer.status_code, answer.url) == (302, PRODUCT)
    assert "Thank you" in client.get(PRODUCT).content.decode()


def test_a_form_with_mistakes_comes_back_with_its_reasons(client):
    client.cookies["customer"] = token()
    data = {"rating": 6, "text": "x" * (TEXT_CHARACTERS + 1)}
    for headers in ({}, {"HX-Request": "true"}):
        answer = client.post(PRODUCT, data, headers=headers)
        assert answer.status_code == 400
        assert "at most 2000 characters" in answer.content.decode()
        assert "6 is not one of the available choices" in answer.content.decode()
    assert not Review.objects.exists()


def test_a_review_without_stars_is_asked_for_them(client):
    client.cookies["customer"] = token()
    answer = client.post(PRODUCT, {"rating": "", "text": ""})
    assert answer.status_code == 400
    assert "Choose how many stars it gets." in answer.content.decode()
    assert "Write what you think of it." in answer.content.decode()


def test_a_second_review_by_the_form_is_refused(client):
    client.cookies["customer"] = token()
    review()
    assert client.post(PRODUCT, {"rating": 1, "text": "Again"}).status_code == 400
    assert Review.objects.get().rating == 4


def test_the_form_needs_a_sign_in(client):
    assert client.post(PRODUCT, {"rating": 4, "text": "Nice"}).status_code == 403
    assert not Review.objects.exists()


def test_the_order_page_shows_what_an_order_proves(client):
    mark_verified([delivery("Created", "A-1")])
    client.cookies["customer"] = token("7")
    assert "Verified customer of 2 products" in client.get("/reviews/orders/A-1/").content.decode()
    client.cookies["customer"] = token("1", is_staff=True)
    assert "Verified customer of 2 products" in client.get("/reviews/orders/A-1/").content.decode()
    client.cookies["customer"] = token("8")
    assert "Not a verified customer" in client.get("/reviews/orders/A-1/").content.decode()
    del client.cookies["customer"]
    assert client.get("/reviews/orders/A-1/").status_code == 403


def test_customers_list_their_own_badges_and_staff_all(client):
    mark_verified([delivery("Created", "A-1"), delivery("Created", "B-1", customer_id="8")])
    url = "/api/verified-customers/"
    own = client.get(url, **bearer("7")).json()["results"]
    assert {(row["customer_id"], row["sku"], row["order_number"]) for row in own} == {
        ("7", "CD-01", "A-1"),
        ("7", "CD-02", "A-1"),
    }
    assert client.get(f"{url}?customer_id=8", **bearer("7")).json()["count"] == 0
    assert client.get(url, **bearer("1", is_staff=True)).json()["count"] == 4
    assert client.get(url).status_code == 401


def decide(client, action, *codenames) -> str:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    row = review(status=Review.Status.PENDING)
    data = {"action": action, "_selected_action": [row.pk]}
    assert (
        client.post(reverse("admin:reviews_review_changelist"), data, follow=True).status_code
        == 200
    )
    row.refresh_from_db()
    return row.status


@pytest.mark.parametrize(("action", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_staff_decide_on_reviews(client, action, status):
    assert decide(client, action, "view_review", "change_review") == status


def test_deciding_needs_its_permission(client):
    assert decide(client, "approve", "view_review") == "pending"


def test_the_admin_shows_verified_customers_with_their_orders(admin_client):
    mark_verified([delivery("Created", "A-1")])
    url = reverse("admin:reviews_verifiedcustomer_changelist")
    assert b"CD-02" in admin_client.get(f"{url}?q=A-1").content
    pk = admin_client.get(url).context["cl"].queryset[0].pk
    assert b"A-1" in admin_client.get(f"/admin/reviews/verifiedcustomer/{pk}/change/").content
