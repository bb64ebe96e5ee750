"""Goals: what is measured, and what it has to reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """One ratio. `question` is the module that answers it."""

    key: str
    question: str
    sign: str = ""
    """Whether it should be small ("≤") or large ("≥"), at most or at least the value."""
    value: float | None = None
    """None: a figure, with nothing to reach."""

    @property
    def bound(self) -> str:
        return "" if self.value is None else f"{self.sign} {self.value:g}"

    def reached_by(self, ratio: float) -> bool | None:
        if self.value is None:
            return None
        return ratio <= self.value if self.sign == "≤" else ratio >= self.value


GOALS = [
    Goal("order_redis_commands", "orders", "≤", 60),
    Goal("order_transactions", "orders", "≤", 20),
    Goal("order_cpu_vs_monolith", "orders", "≤", 2.0),
    Goal("order_cpu_at_5", "orders"),
    Goal("order_cpu_at_15", "orders"),
    Goal("request_cpu_vs_monolith", "orders", "≤", 0.30),
    Goal("request_p50_at_15", "orders"),
    Goal("request_p99_vs_monolith", "orders", "≤", 0.15),
    Goal("email_p99_s", "orders", "≤", 1),
    Goal("job_cpu_vs_handler", "job", "≤", 2.0),
    Goal("publish_request_pg", "publish_request", "≤", 1.10),
    Goal("publish_pg", "publish", "≤"),
    Goal("publish_sqlite", "publish_sqlite", "≤"),
    Goal("publish_many", "publish", "≤", 1.10),
    Goal("announce_save_pg", "announce", "≤", 1.15),
    Goal("announce_save_sqlite", "announce_sqlite", "≤", 1.15),
    Goal("announce_bulk_pg", "announce", "≤", 1.60),
    Goal("announce_bulk_sqlite", "announce_sqlite", "≤", 1.60),
    Goal("seam_direct_pg", "seam", "≤", 1.01),
    Goal("seam_shadow_pg", "seam", "≤", 1.10),
    Goal("relay_vs_redis", "relay", "≥", 0.45),
    Goal("relay_vs_peer", "relay", "≥"),
    Goal("consume_each_vs_bare", "consume", "≥", 0.95),
    Goal("consume_batch_vs_bare", "consume", "≥", 0.75),
    Goal("consume_batch_vs_limit", "consume", "≥"),
    Goal("consume_fail_1pct", "consume", "≥", 0.60),
    Goal("consume_each_vs_naive", "consume_peers", "≥"),
    Goal("consume_each_vs_edx", "consume_peers", "≥"),
    Goal("consume_each_vs_celery", "consume_peers", "≥"),
    Goal("consume_each_vs_rq", "consume_peers", "≥"),
    Goal("consume_batch_vs_celery", "consume_peers", "≥"),
    Goal("consume_2_procs", "consume_processes", "≥", 1.7),
    Goal("consume_lookup_http", "lookup_http", "≥", 12),
    Goal("lookup_in_process", "lookup_in_process", "≤", 1.10),
    Goal("latency_p50_vs_celery", "latency", "≤", 1.1),
    Goal("latency_p99_vs_celery", "latency", "≤"),
    Goal("latency_positions_ms", "latency_steps"),
    Goal("latency_shipped_ms", "latency_steps"),
    Goal("latency_read_ms", "latency_steps"),
    Goal("latency_handler_ms", "latency_steps"),
    Goal("latency_committed_ms", "latency_steps"),
    Goal("cpu_vs_celery", "cpu_per_event", "≤"),
    Goal("log_1m", "long_log", "≥", 0.95),
    Goal("catch_up", "long_log", "≥", 0.90),
    Goal("idle_cpu", "idle", "≤", 0.5),
    Goal("subscriptions_4", "subscriptions"),
    Goal("subscriptions_16", "subscriptions"),
]

SETTINGS = dict.fromkeys(("orders", "publish_request", "seam"), "shop.settings")
"""Settings of the questions that are not about the small project in `bench/project`."""
SHOP = {
    "DEBUG": "0",
    "HTTPS": "0",
    "SECRET_KEY": "for measurements only, and nothing is secret there",
    "THROTTLE_USER": "",
    "THROTTLE_SIGN_IN": "",
}
ENVIRONMENT = {
    "orders": SHOP,
    "publish_request": SHOP,
    "seam": SHOP,
    "consume_processes": {"PARTITIONS": "2", "LEASE_MS": "1500", "BLOCK_MS": "50"},
    "lookup_http": {"LOOKUPS": "http"},
    "cpu_per_event": {"LEASE_MS": "60000"},
}
"""What some questions need in their environment."""


def questions(keys: list[str]) -> dict[str, list[str]]:
    """The questions that answer these keys, each with those that it has to answer."""
    asked: dict[str, list[str]] = {}
    for goal in GOALS:
        if goal.key in keys:
            asked.setdefault(goal.question, []).append(goal.key)
    return asked
