import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from practicum_api import names

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
SERVERS = st.from_regex(r"\A[a-z][a-z0-9]{0,29}\Z")


@given(st.text(min_size=1), SERVERS, st.integers(1, 9999))
def test_every_derived_name_is_a_dns_label(owner: str, server: str, attempt: int) -> None:
    sandbox = names.sandbox_name(owner, server)
    for name in (
        sandbox,
        names.attempt_name(sandbox, attempt),
        names.claim_name(owner, server),
        names.owner_label(owner),
    ):
        assert DNS_LABEL.fullmatch(name), name


@given(st.text(min_size=1), st.text(min_size=1), SERVERS)
def test_two_owners_never_share_a_workspace(one: str, other: str, server: str) -> None:
    if one != other:
        assert names.claim_name(one, server) != names.claim_name(other, server)
        assert names.owner_label(one) != names.owner_label(other)


@pytest.mark.parametrize(
    ("owner", "server", "prefix"),
    [
        ("trainee", "lora", "/user/trainee/lora/"),
        ("ming@example.org", "lora", "/user/ming@example.org/lora/"),
        ("张三", "lora", "/user/%E5%BC%A0%E4%B8%89/lora/"),
    ],
)
def test_the_prefix_is_the_hubs(owner: str, server: str, prefix: str) -> None:
    assert names.server_prefix(owner, server) == prefix


def test_a_plain_owner_keeps_a_readable_name() -> None:
    assert names.sandbox_name("trainee", "lora") == "trainee--lora"
    assert names.cohort_namespace("spring") == "practicum-spring"
