from reviews.models import Review  # C


def test_nothing():
    assert Review
