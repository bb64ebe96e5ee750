"""A customer over real HTTP: signs up on the pages, then orders by REST."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3

PASSWORD = "correct horse battery"
TIMEOUT_S = 30.0


class Customer:
    """One person with an account at the shop. `urls` says where each context answers."""

    def __init__(self, name: str, urls: Mapping[str, str]) -> None:
        self.name, self.urls = name, urls
        self.email = f"{name}@example.com"
        self.token = ""
        self._http = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S)

    def sign_up(self) -> None:
        """Fill in the sign-up form, as a browser would, and take a token."""
        page = f"{self.urls['shop']}/sign-up/"
        form = self._http.request("GET", page)
        secret = re.search(r"csrftoken=(\w+)", form.headers["Set-Cookie"])
        assert secret, "the sign-up page set no CSRF cookie"
        entered = {"name": self.name, "email": self.email, "password": PASSWORD}
        answer = self._http.request(
            "POST",
            page,
            body=urlencode({**entered, "csrfmiddlewaretoken": secret[1]}),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": f"csrftoken={secret[1]}",
            },
            redirect=False,
        )
        assert answer.status == 302, answer.data.decode()
        self.sign_in()

    def sign_in(self) -> None:
        entered = {"email": self.email, "password": PASSWORD}
        answer = self.request("shop", "POST", "/api/token/", json=entered)
        assert answer.status == 200, answer.data
        self.token = answer.json()["access"]

    def request(
        self, context: str, method: str, path: str, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        """A request to a context, signed in if we are."""
        headers = {**(options.pop("headers", None) or {}), "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return self._http.request(method, self.urls[context] + path, headers=headers, **options)

    def order(self, quantities: Mapping[str, int], headers: Mapping[str, str] | None = None) -> str:
        """Place an order for quantities by SKU. Returns: its number."""
        lines = [{"sku": sku, "quantity": count} for sku, count in quantities.items()]
        answer = self.request(
            "orders", "POST", "/api/orders/", json={"lines": lines}, headers=headers
        )
        assert answer.status == 201, (answer.status, answer.data)
        return str(answer.json()["number"])

    def cancel(self, number: str) -> None:
        answer = self.request("orders", "POST", f"/api/orders/{number}/cancel/", json={})
        assert answer.status == 200, (answer.status, answer.data)

    def get(self, context: str, path: str) -> Any:
        """The JSON that a context answers. Raises: AssertionError: it does not."""
        answer = self.request(context, "GET", path)
        assert answer.status == 200, (answer.status, answer.data)
        return answer.json()

    def close(self) -> None:
        self._http.clear()
