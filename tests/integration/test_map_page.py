"""The map page: who may see it, and what a strict content security policy allows."""

import re

import pytest
from django.contrib.auth.models import Permission, User

pytestmark = pytest.mark.django_db

MAP, LIVE = "/admin/carveout/map/", "/admin/carveout/map/live/"


@pytest.fixture
def staff(client):
    user = User.objects.create_user("staff", is_staff=True)
    client.force_login(user)
    return user


@pytest.fixture
def permitted(staff):
    staff.user_permissions.add(Permission.objects.get(codename="view_loggedevent"))
    return staff


@pytest.mark.parametrize("path", [MAP, LIVE])
def test_nobody_sees_the_map_without_permission_to_see_events(client, path):
    assert client.get(path).status_code == 302
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get(path).status_code == 403


def test_who_may_see_events_finds_the_map_and_sees_it(client, permitted):
    assert MAP in client.get("/admin/").content.decode()
    page = client.get(MAP).content.decode()
    for name in ("shop", "orders", "notifications", "reviews"):
        assert f'data-show="context:{name}"' in page
    assert client.get(LIVE).json().keys() == {"at", "cells", "levels", "troubles", "unread"}
    assert client.post(MAP, {"action": "delete_selected"}).status_code == 405


def test_what_happens_after_an_event_needs_no_script(client, permitted):
    page = client.get(MAP, {"after": "orders.OrderCreated"}).content.decode()
    assert "shop.keep_stock</b> handles orders.OrderCreated" in page
    assert "lit-sure" in page
    assert client.get(MAP, {"after": "orders.OrderLost"}).status_code == 404


def test_the_page_holds_no_inline_script_and_no_inline_style(client, permitted):
    page = client.get(MAP, {"after": "orders.OrderCreated"}).content.decode()
    ours = page[page.index('<div id="map"') : page.index("Lookups and readers")]
    assert re.findall(r"<script|<style|\sstyle=|\son\w+=|javascript:", ours) == []
    assert re.search(r'<script src="[^"]+carveout/map\.js" defer></script>', page)


def test_the_list_says_all_that_the_picture_says(client, permitted):
    page = client.get(MAP).content.decode()
    arrows = set(re.findall(r'data-show="((?:events|lookups):[^"]+)"', page))
    rows = {key for of in re.findall(r'<tr data-of="([^"]+)"', page) for key in of.split()}
    assert arrows
    assert arrows <= rows


def test_each_number_has_one_place_in_the_lists(client, permitted):
    """A subscription that hears several events would else show its sum at each of them."""
    page = client.get(MAP).content.decode()
    numbers = re.findall(r'<td [^>]*data-seen="([^"]+)"', page)
    assert "dead notifications.tell_by_email" in numbers
    assert "failed notifications.tell_by_email orders.OrderCreated" in numbers
    assert len(numbers) == len({*numbers})
