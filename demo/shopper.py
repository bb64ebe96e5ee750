"""Somebody who uses the shop from outside, over HTTP."""

import secrets
from typing import Any

import urllib3
from django.contrib.auth import get_user_model

from orders.cdnow import SKUS, invented_phone

PAGE_ROWS = 200


class Shopper:
    """A person with an account, signed in by token."""

    def __init__(self, url: str, email: str, *, staff: bool = False) -> None:
        self.url, self.email, self.password = url, email, secrets.token_urlsafe(9)
        self._http = urllib3.PoolManager(
            retries=urllib3.Retry(3, redirect=0), timeout=30, maxsize=8
        )
        people = get_user_model().objects
        create = people.create_superuser if staff else people.create_user
        create(username=email, email=email, password=self.password)
        self._token = ""
        self._token = self.post("/api/token/", {"email": email, "password": self.password})[
            "access"
        ]

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._json("POST", path, json=body)

    def order(self, number: int) -> None:
        """Order one CD, with a phone number at each third order."""
        line = {"sku": SKUS[number % len(SKUS)], "quantity": 1}
        self.post("/api/orders/", {"lines": [line], "phone": invented_phone(number)})

    def count(self, path: str) -> int:
        """How many objects a list has."""
        return int(self._json("GET", path)["count"])

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every object of a list, page by page."""
        rows: list[dict[str, Any]] = []
        page: str | None = path
        while page:
            answer = self._json("GET", page.removeprefix(self.url))
            rows += answer["results"]
            page = answer["next"]
        return rows

    def _json(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        answer = self._http.request(method, self.url + path, headers=headers, **options)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path} answered {answer.status}: {answer.data!r}")
        return answer.json()
