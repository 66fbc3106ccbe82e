from __future__ import annotations

from artfactoryd.web.pace import Buckets, Pace


def test_so_many_at_once_and_then_as_many_a_second_as_the_rate_says() -> None:
    now = [0.0]
    buckets, rate = Buckets(lambda: now[0]), Pace.PLAN.value
    assert [buckets.take(Pace.PLAN) for _ in range(rate.burst)] == [0] * rate.burst
    assert buckets.take(Pace.PLAN) == 1 and buckets.take(Pace.READ) == 0, "each kind has its own"
    now[0] += 1
    assert [buckets.take(Pace.PLAN) for _ in range(5)] == [0] * 4 + [1]
    now[0] += 3600
    assert [buckets.take(Pace.PLAN) for _ in range(rate.burst + 1)][-2:] == [0, 1]
