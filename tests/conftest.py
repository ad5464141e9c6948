"""Hypothesis draws the same examples on every machine, within a bound that does not depend on its speed."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "chainrule",
    deadline=None,
    derandomize=True,
    max_examples=25,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("chainrule")
