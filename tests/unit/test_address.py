"""REDIS_URL: one server, one that Sentinels watch, or a cluster. Passwords are never shown."""

import pytest

import carveout
from carveout.conf import loading, redis_url
from carveout.conf.sentinel import SentinelConnection, SentinelTLSConnection

CONTEXTS = {"shop": {"apps": ["shop"]}}
SECRET = "s3cret"


def mistakes(**changes: str) -> list[str]:
    return loading.build({"CONTEXTS": CONTEXTS, **changes})[1]


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://user:s%2Fecret@localhost:6380/3",
        "rediss://localhost:6380/3?ssl_ca_certs=/ca.pem",
        "redis://",
        "unix:///run/redis.sock?db=2",
        "redis+sentinel://a:26379,b:26379/shop",
        "rediss+cluster://a",
    ],
)
def test_good_urls(url):
    assert mistakes(REDIS_URL=url) == []


def test_sentinels():
    found = redis_url.parse("redis+sentinel://me:p%2Fw@a,b:26380,[::1]:3/shop/2?socket_keepalive=1")
    assert found.kind == "sentinel"
    assert found.nodes == (("a", 26379), ("b", 26380), ("::1", 3))
    assert found.master == "shop"
    expected = {"username": "me", "password": "p/w", "db": 2, "socket_keepalive": True}
    assert found.options == expected
    assert found.connection_class is SentinelConnection


def test_sentinels_with_tls():
    found = redis_url.parse("rediss+sentinel://a/shop?ssl_ca_certs=/ca.pem")
    assert found.tls == {"ssl": True, "ssl_ca_certs": "/ca.pem"}
    assert found.connection_class is SentinelTLSConnection


def test_a_cluster():
    found = redis_url.parse("redis+cluster://:pw@a:7000,b")
    assert found.kind == "cluster"
    assert found.nodes == (("a", 7000), ("b", 6379))
    assert found.options == {"password": "pw"}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("memcached://localhost", "it must begin with one of redis://, rediss://, unix://, redis+"),
        ("localhost:6379", "it must begin with one of redis://"),
        ("redis://a,b/0", "several hosts need redis+sentinel:// or redis+cluster://"),
        ("redis://localhost/shop", "a database must be a number, as in …/0"),
        ("redis+sentinel://a,b", "add the name of the primary after the hosts"),
        ("redis+sentinel://a/shop/main", "a database must be a number, as in …/0"),
        ("redis+sentinel://a,,b/shop", "a host is missing"),
        ("redis+cluster://", "a host is missing"),
        ("redis+cluster://a:port", "a port must be a number; in a password, write / : @ ? # as"),
        ("redis+cluster://a/0", "a cluster has no numbered databases"),
        ("redis+cluster://a?db=0", "a cluster has no numbered databases"),
        ("redis://a?socket_timeout=soon", "Invalid value for"),
    ],
)
def test_each_mistake_is_told(url, told):
    [mistake] = mistakes(REDIS_URL=url)
    assert mistake.startswith(f"CARVEOUT['REDIS_URL'] {url!r}: {told}")


@pytest.mark.parametrize(
    "url",
    [
        f"memcached://me:{SECRET}@a",
        f"redis+sentinel://:{SECRET}@a",
        f"redis+cluster://me:{SECRET}@a/0",
        f"redis+cluster://me:x/{SECRET}@a",
        f"redis://me:x@{SECRET}/@a:6379/0",
        f"redis://me:1/{SECRET}@a",
        f"redis+cluster://a/0?password={SECRET}",
    ],
)
def test_no_password_is_ever_shown(url):
    [mistake] = mistakes(REDIS_URL=url)
    assert SECRET not in mistake
    assert "***" in mistake


def test_jobs_are_not_on_a_cluster():
    assert mistakes(REDIS_URL="redis+cluster://a", JOBS_REDIS_URL="redis://b") == []
    [mistake] = mistakes(JOBS_REDIS_URL="redis+cluster://a")
    assert "RQ can't use a cluster; set a single Redis or one with Sentinels." in mistake


class TestQueues:
    """RQ_QUEUES for django-rq."""

    def queue(self, **urls: str) -> dict:
        return carveout.rq_queues({"CONTEXTS": CONTEXTS, **urls})["carveout-shop"]

    def test_jobs_may_have_a_redis_of_their_own(self):
        queue = self.queue(REDIS_URL="redis+cluster://a", JOBS_REDIS_URL="redis://b/1")
        assert queue["URL"] == "redis://b/1"

    def test_a_url_with_a_mistake_is_left_to_the_check(self):
        assert self.queue(REDIS_URL="redis+sentinel://a")["URL"] == "redis+sentinel://a"

    def test_sentinels_are_told_in_the_words_of_django_rq(self):
        queue = self.queue(REDIS_URL="redis+sentinel://me:pw@a,b/shop/2")
        assert queue["SENTINELS"] == [("a", 26379), ("b", 26379)]
        assert (queue["MASTER_NAME"], queue["DB"]) == ("shop", 2)
        assert (queue["USERNAME"], queue["PASSWORD"]) == ("me", "pw")

    def test_there_are_none_on_a_cluster(self):
        assert carveout.rq_queues({"CONTEXTS": CONTEXTS, "REDIS_URL": "redis+cluster://a"}) == {}
