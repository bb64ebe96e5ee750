"""CARVEOUT: every mistake is found, all at once, with a suggestion for what was misspelt."""

from typing import Any, ClassVar

import pytest

import carveout
from carveout import checks
from carveout.conf import context_apps, loading
from carveout.errors import SettingsInvalid

LONG = "a key that is long enough to sign with"
CONTEXTS = {"shop": {"apps": ["shop"]}, "orders": {"apps": ["orders"]}}


def mistakes(**changes: object) -> list[str]:
    return loading.build({"CONTEXTS": CONTEXTS, **changes})[1]


def test_good_settings_have_no_mistakes():
    assert mistakes(REDIS_URL="redis://localhost", BATCH_ROWS=10, DELIVERY="inline") == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"REDIS_ULR": ""}, "CARVEOUT: unknown name 'REDIS_ULR', did you mean 'REDIS_URL'?"),
        ({"redis_url": ""}, "CARVEOUT: unknown name 'redis_url', known names are CONTEXTS, "),
        ({"HOSTED": ["order"]}, "unknown hosted context 'order', did you mean 'orders'?"),
        ({"HOSTED": ["zzz"]}, "unknown hosted context 'zzz', known names are shop, orders."),
        (
            {"DELIVERY": "pigeon"},
            "CARVEOUT['DELIVERY'] must be one of ('streams', 'inline', 'eager').",
        ),
        ({"LOOKUPS": "grpc"}, "CARVEOUT['LOOKUPS'] must be one of ('auto', 'http')."),
        ({"BATCH_ROWS": 0}, "CARVEOUT['BATCH_ROWS'] must be a whole number above 0, not 0."),
        ({"BATCH_ROWS": "9"}, "CARVEOUT['BATCH_ROWS'] must be a whole number above 0, not '9'."),
        ({"BLOCK_MS": -1}, "CARVEOUT['BLOCK_MS'] must be a whole number above 0, not -1."),
        ({"LEASE_MS": None}, "CARVEOUT['LEASE_MS'] must be a whole number above 0, not None."),
        ({"LOOKUP_TIMEOUT_S": 0}, "CARVEOUT['LOOKUP_TIMEOUT_S'] must be a number above 0, not 0."),
        ({"BATCH_ROWS": 1.5}, "CARVEOUT['BATCH_ROWS'] must be a whole number above 0, not 1.5."),
        ({"BATCH_ROWS": True}, "CARVEOUT['BATCH_ROWS'] must be a whole number above 0, not True."),
        ({"KEYS": {"orders": LONG}}, "CARVEOUT['KEYS']['orders'] must be a list of keys"),
        ({"KEYS": {"orders": []}}, "CARVEOUT['KEYS']['orders'] must be a list of keys"),
        ({"KEYS": {"orders": ["short"]}}, "CARVEOUT['KEYS']['orders'] must be a list of keys"),
        ({"RECORD": {"share": 2, "file": "a"}}, "CARVEOUT['RECORD']: 'share' must be a number"),
        ({"RECORD": {"share": 0.1}}, "CARVEOUT['RECORD']: 'file' must name a file"),
        ({"RECORD": 0.1}, "CARVEOUT['RECORD'] must be a dict with 'share' and 'file'."),
        (
            {"RECORD": {"share": 1, "file": "a", "fille": ""}},
            "CARVEOUT['RECORD']: unknown name 'fille', did you mean 'file'?",
        ),
        ({"KEYS": {"order": [LONG]}}, "CARVEOUT['KEYS']: unknown context 'order', did you mean"),
    ],
)
def test_each_mistake_is_told(changes, told):
    [mistake] = mistakes(**changes)
    assert mistake.startswith(told)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"app": ["shop"], "apps": ["shop"]}, "unknown name 'app', did you mean 'apps'?"),
        ({"apps": []}, "'apps' must name at least one Django app."),
        ({"apps": "shop"}, "'apps' must be a list of Django apps."),
        ({"apps": ["shop", None]}, "'apps' must be a list of Django apps."),
        ({"apps": ["shop"], "url": "shop:8000"}, "'url' must begin with http:// or https://"),
        (
            {"apps": ["shop"], "partitions": 0},
            "'partitions' must be a whole number of at least 1, not 0.",
        ),
        (
            {"apps": ["shop"], "partitions": "4"},
            "'partitions' must be a whole number of at least 1",
        ),
        ({"apps": ["shop"], "database": "defualt"}, "unknown database 'defualt', did you mean"),
    ],
)
def test_each_mistake_of_a_context_is_told(options, told):
    [mistake] = mistakes(CONTEXTS={"shop": options})
    assert mistake.startswith(f"CARVEOUT['CONTEXTS']['shop']: {told}")


def test_a_context_is_named_like_a_python_name():
    [mistake] = mistakes(CONTEXTS={"the shop": {"apps": ["shop"]}})
    assert (
        mistake == "CARVEOUT['CONTEXTS']['the shop']: a context's name must be a Python identifier."
    )


def test_a_context_has_a_name_that_our_columns_hold():
    [mistake] = mistakes(CONTEXTS={"x" * 101: {"apps": ["shop"]}, "y" * 100: {"apps": ["orders"]}})
    assert mistake.endswith("a context's name can have at most 100 characters.")


def test_an_app_is_in_one_context():
    [mistake] = mistakes(CONTEXTS={"one": {"apps": ["shop"]}, "two": {"apps": ["shop"]}})
    assert mistake == "CARVEOUT['CONTEXTS']: 'shop' is in one and two; keep it in one."


def test_no_key_is_ever_shown():
    assert LONG not in " ".join(mistakes(KEYS={"orders": LONG, "shop": ["short", LONG]}))


def test_all_mistakes_come_at_once(settings):
    settings.CARVEOUT = {"CONTEXTS": {"shop": {"apps": []}}, "REDIS": "", "DELIVERY": "pigeon"}
    with pytest.raises(SettingsInvalid) as caught:
        loading.get_settings()
    for word in ("'REDIS'", "at least one Django app", "'DELIVERY'"):
        assert word in str(caught.value)


def test_settings_are_frozen(settings):
    settings.CARVEOUT = {"CONTEXTS": CONTEXTS}
    with pytest.raises(AttributeError):
        loading.get_settings().batch_rows = 1


def test_the_innermost_app_owns_a_module():
    contexts = {"outer": {"apps": ["shop"]}, "inner": {"apps": ["shop.stock"]}}
    settings, _ = loading.build({"CONTEXTS": contexts})
    assert settings.context_of("shop.stock.models").name == "inner"
    assert settings.context_of("shop.models").name == "outer"
    assert settings.context_of("shopping") is None


def test_the_length_of_a_contexts_other_apps_does_not_matter():
    contexts = {
        "outer": {"apps": ["shop", "a_long_name_of_another"]},
        "inner": {"apps": ["shop.a"]},
    }
    settings, _ = loading.build({"CONTEXTS": contexts})
    assert settings.context_of("shop.a.models").name == "inner"


class TestModules:
    """`modules` are those of an app that holds pages of several contexts."""

    CONTEXTS: ClassVar[dict[str, Any]] = {
        "orders": {"apps": ["orders"], "modules": ["shop.storefront.urls"]},
        "shop": {"apps": ["shop.storefront"]},
    }

    def test_code_of_a_module_is_of_the_context_that_takes_it(self):
        settings, found = loading.build({"CONTEXTS": self.CONTEXTS})
        assert found == []
        assert settings.context_of("shop.storefront.urls").name == "orders"
        assert settings.context_of("shop.storefront.views").name == "shop"
        assert context_apps.missing_apps(settings) == []

    def test_one_process_may_host_all_and_none_hosts_a_part(self):
        """Whole apps only: an app that is hosted by half would have some of its pages."""
        whole = {"CONTEXTS": self.CONTEXTS}
        assert carveout.hosted_apps(whole) == ["orders", "shop.storefront"]
        assert context_apps.modules_not_hosted(loading.build(whole)[0]) == []
        for name in self.CONTEXTS:
            part = {"CONTEXTS": self.CONTEXTS, "HOSTED": [name]}
            with pytest.raises(SettingsInvalid, match="can host only whole apps") as told:
                carveout.hosted_apps(part)
            assert context_apps.modules_not_hosted(loading.build(part)[0]) == [str(told.value)]

    def test_a_part_is_refused_by_a_check_too(self, settings):
        settings.CARVEOUT = {"CONTEXTS": self.CONTEXTS, "HOSTED": ["shop"]}
        (refused,) = [each for each in checks.check_apps() if each.id == "carveout.E021"]
        assert "'modules' lists 'shop.storefront.urls'" in refused.msg
        assert "move 'shop.storefront.urls' into an app of orders" in refused.msg

    def test_mistakes_are_told(self):
        wrong = {"orders": {"apps": ["orders"], "modules": "shop.storefront.urls"}}
        _, found = loading.build({"CONTEXTS": wrong})
        assert "'modules' must be a list of modules of an app" in " ".join(found)
        twice = {**self.CONTEXTS, "shop": {"apps": ["shop"], "modules": ["shop.storefront.urls"]}}
        _, found = loading.build({"CONTEXTS": twice})
        assert "'shop.storefront.urls' is in orders and shop; keep it in one." in " ".join(found)
        missing = {"orders": {"apps": ["orders"], "modules": ["shop.storefront.ulrs"]}}
        settings, _ = loading.build({"CONTEXTS": missing})
        (told,) = context_apps.missing_apps(settings)
        assert "'shop.storefront.ulrs', but there is no such module." in told


class TestApps:
    """`apps` holds what INSTALLED_APPS holds."""

    def test_an_app_may_be_named_by_its_config(self):
        contexts = {"orders": {"apps": ["carveout.apps.CarveoutConfig"]}}
        settings, found = loading.build({"CONTEXTS": contexts})
        assert (settings.contexts["orders"].apps, found) == (("carveout",), [])
        assert settings.context_of("carveout.events.event").name == "orders"
        assert context_apps.app_labels(settings.contexts["orders"]) == {"carveout"}
        assert context_apps.missing_apps(settings) == []
        raw = {"CONTEXTS": contexts}
        assert carveout.hosted_apps(raw) == ["carveout.apps.CarveoutConfig"]

    def test_that_of_another_deployment_need_not_be_there(self):
        contexts = {"depot": {"apps": ["depot.apps.DepotConfig", "depot.boxes.BoxesConfig"]}}
        settings, found = loading.build({"CONTEXTS": contexts, "HOSTED": []})
        assert (settings.contexts["depot"].apps, found) == (("depot", "depot.boxes"), [])

    @pytest.mark.parametrize(
        "app", ["ordres", "shop.ordres", "ordres.apps.OrdersConfig", "carveout.conf.x"]
    )
    def test_one_that_is_not_there_is_told_when_the_settings_are_read(self, app):
        raw = {"CONTEXTS": {"orders": {"apps": [app]}}}
        with pytest.raises(SettingsInvalid, match=rf"'orders'\]: there is no app '{app}'"):
            carveout.hosted_apps(raw)
        settings, _ = loading.build(raw)
        assert len(context_apps.missing_apps(settings)) == 1

    def test_nothing_is_imported_while_the_settings_are_read(self, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(tmp_path)
        (tmp_path / "early/late").mkdir(parents=True)
        for path in ("early/__init__.py", "early/late/__init__.py", "early/late/apps.py"):
            (tmp_path / path).write_text("raise AssertionError")
        raw = {"CONTEXTS": {"orders": {"apps": ["early.late", "early.late.apps.LateConfig"]}}}
        assert len(carveout.hosted_apps(raw)) == 2


class TestHosting:
    """Which contexts run here: the environment, then HOSTED, then all."""

    def test_all_by_default(self, monkeypatch):
        monkeypatch.delenv("CONTEXTS", raising=False)
        assert carveout.hosted_contexts({"CONTEXTS": CONTEXTS}) == ["shop", "orders"]

    def test_the_environment_wins(self, monkeypatch):
        monkeypatch.setenv("CONTEXTS", "orders")
        raw = {"CONTEXTS": CONTEXTS, "HOSTED": ["shop"]}
        assert carveout.hosted_contexts(raw) == ["orders"]
        assert carveout.hosted_apps(raw) == ["orders"]
        assert list(carveout.rq_queues(raw)) == ["carveout-orders"]

    def test_an_unknown_one_is_told_when_the_settings_are_read(self, monkeypatch):
        monkeypatch.setenv("CONTEXTS", "shop, oders")
        with pytest.raises(SettingsInvalid, match="unknown hosted context 'oders', did you mean"):
            carveout.hosted_apps({"CONTEXTS": CONTEXTS})

    def test_apps_that_are_no_list_are_told_when_the_settings_are_read(self):
        with pytest.raises(SettingsInvalid, match="'apps' must be a list"):
            carveout.hosted_apps({"CONTEXTS": {"shop": {"apps": "shop"}}})

    def test_queues_hold_json(self):
        queues = carveout.rq_queues({"CONTEXTS": CONTEXTS, "REDIS_URL": "redis://localhost/3"})
        assert queues["carveout-shop"] == {
            "URL": "redis://localhost/3",
            "SERIALIZER": "rq.serializers.JSONSerializer",
        }


def test_each_context_signs_with_a_key_of_its_own():
    settings, _ = loading.build({"CONTEXTS": CONTEXTS, "KEYS": {"orders": ["new", "old"]}})
    assert settings.keys_of("orders") == ["new", "old"]
    assert settings.keys_of("shop") != settings.keys_of("orders")


def test_the_public_names_are_there_and_only_they():
    assert dir(carveout) == sorted(carveout.__all__)
    for name in carveout.__all__:
        assert getattr(carveout, name)
    with pytest.raises(AttributeError, match="no attribute 'publsh'"):
        _ = carveout.publsh
