"""Authentication-Results by the architecture's definition of *authenticated*: R20 and everything a sender could have forged."""

from __future__ import annotations

import pytest

from bot.mail.authentication import EXCHANGE_ONLINE, aligned, domain_of, judge, organisational, own_result, parse
from bot.model import Authentication
from tests.mail.writing import mail, read

OURS = "mx.ssb.example"
ALIGNED = "dkim=pass header.d=uni.example"


def judged(
    *results: str, trusted: tuple[str, ...] = (OURS,), sender: str = "Kari <kari@uni.example>", more: tuple[str, ...] = ()
) -> Authentication:
    """What is made of these Authentication-Results, topmost first."""
    return judge(read(mail("Hei", *(f"Authentication-Results: {each}" for each in results), *more, sender=sender)), trusted)


@pytest.mark.parametrize(
    ("result", "evidence"),
    [
        ("dmarc=pass (p=NONE) header.from=uni.example", "dmarc=pass"),
        ("dmarc=pass", "dmarc=pass"),
        ("DMARC=Pass header.From=Uni.Example", "dmarc=pass"),
        ("dkim=pass header.d=uni.example", "dkim=uni.example aligned"),
        ("dkim=pass header.i=@mail.uni.example header.s=x", "dkim=mail.uni.example aligned"),
        ("dkim=pass (2048-bit key; unprotected) header.d=uni.example header.i=@uni.example header.b=AbC", "dkim=uni.example aligned"),
        ("dkim=fail header.d=uni.example; dkim=pass header.d=uni.example", "dkim=uni.example aligned"),
        ("dkim=pass header.d=esp.example; dkim=pass header.d=uni.example", "dkim=uni.example aligned"),
        ("spf=pass smtp.mailfrom=bounce@post.uni.example", "spf=post.uni.example aligned"),
        ("spf=pass (mx: 192.0.2.1; designates) smtp.mailfrom=kari@uni.example", "spf=uni.example aligned"),
        ('spf=pass smtp.mailfrom="kari;x@uni.example"', "spf=uni.example aligned"),
        (
            "auth=pass; iprev=pass policy.iprev=192.0.2.1;\n spf=fail smtp.mailfrom=x@y.example;\n\tdkim=pass\n header.d=uni.example",
            "dkim=uni.example aligned",
        ),
        ("dkim/1=pass header.d=uni.example", "dkim=uni.example aligned"),
        ("arc=pass; dmarc=pass header.from=uni.example", "dmarc=pass"),
    ],
)
def test_what_authenticates(result: str, evidence: str) -> None:
    found = judged(f"{OURS}; {result}")
    assert (found.domain, found.evidence) == ("uni.example", evidence)


@pytest.mark.parametrize(
    "result",
    [
        "none",
        "dkim=pass header.d=other.example",
        "dkim=pass header.d=uni.example.evil.example",
        "dkim=pass header.d=eviluni.example",
        "dkim=pass header.d=example",
        "dkim=pass",
        "dkim=neutral header.d=uni.example",
        "dkim=policy header.d=uni.example",
        "spf=pass smtp.mailfrom=x@other.example",
        "spf=softfail smtp.mailfrom=kari@uni.example",
        "spf=pass smtp.helo=mail.uni.example",
        "dmarc=none header.from=uni.example",
        "dmarc=temperror header.from=uni.example",
        "dmarc=pass header.from=other.example",
        "dmarc=bestguesspass header.from=uni.example",
        "compauth=pass reason=100",
        "(dkim=pass header.d=uni.example)",
        "dkim=fail (dkim=pass header.d=uni.example)",
        'dkim=fail reason="x; dkim=pass header.d=uni.example"',
        "dkim=pass (header.d=uni.example) header.d=other.example",
        "x-dkim=pass header.d=uni.example",
        "arc=pass (i=1 dkim=pass header.d=uni.example)",
    ],
)
def test_what_does_not_authenticate(result: str) -> None:
    assert not judged(f"{OURS}; {result}").passed


def test_r20_only_our_topmost_result_counts() -> None:
    """R20: whatever stands below ours, the sender may have written."""
    assert not judged(f"{OURS}; dkim=fail header.d=uni.example", f"{OURS}; {ALIGNED}").passed
    assert not judged("mx.evil.example; dmarc=pass", f"{OURS}; spf=none").passed
    assert judged("mx.evil.example; dmarc=pass", f"{OURS}; {ALIGNED}").passed
    assert not judged("mx.evil.example; dmarc=pass").passed
    assert not judged("dmarc=pass").passed
    assert not judged().passed


@pytest.mark.parametrize(
    "identifier",
    ["mx.ssb.example.evil.example", "xmx.ssb.example", "ssb.example", '"mx.ssb.example;"', "(mx.ssb.example) evil", "mx.ssb.example@evil"],
)
def test_r20_an_identifier_that_only_looks_like_ours(identifier: str) -> None:
    """R20: the authserv-id is compared whole."""
    assert not judged(f"{identifier}; {ALIGNED}").passed


@pytest.mark.parametrize(
    "identifier", ["MX.SSB.example", "mx.ssb.example 1", "mx.ssb.example.", '"mx.ssb.example"', "(our) mx.ssb.example (server)"]
)
def test_an_identifier_may_be_written_otherwise(identifier: str) -> None:
    assert judged(f"{identifier}; {ALIGNED}").passed


MICROSOFT = (
    "spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=uni.example;\n dkim=pass (signature was verified) header.d=uni.example;\n"
    " dmarc=pass action=none header.from=uni.example;compauth=pass reason=100"
)


def test_r20_microsofts_form_has_no_identifier() -> None:
    """R20, P5: admitted by "exchange-online" alone, and never beside another's."""
    assert judged(MICROSOFT, trusted=(EXCHANGE_ONLINE,)).evidence in ("dmarc=pass", "dkim=uni.example aligned", "spf=uni.example aligned")
    assert judged(MICROSOFT, trusted=(EXCHANGE_ONLINE,)).passed
    assert not judged(MICROSOFT).passed
    assert not judged(f"{OURS}; {ALIGNED}", trusted=(EXCHANGE_ONLINE,)).passed
    guessed = (
        "spf=none smtp.mailfrom=uni.example; dkim=none; dmarc=bestguesspass action=none header.from=uni.example;compauth=pass reason=109"
    )
    assert not judged(guessed, trusted=(EXCHANGE_ONLINE,)).passed


def test_arc_headers_never_count() -> None:
    assert not judged(more=(f"ARC-Authentication-Results: i=1; {OURS}; dmarc=pass header.from=uni.example",)).passed
    assert not judged(more=(f"X-Authentication-Results: {OURS}; dmarc=pass", f"Authentication-Results-Original: {OURS}; dmarc=pass")).passed


def test_an_explicit_dmarc_failure_outweighs_all() -> None:
    found = judged(f"{OURS}; {ALIGNED}; dmarc=fail (p=REJECT) header.from=uni.example")
    assert (found.domain, found.dmarc) == ("", "fail")
    assert judged(f"{OURS}; {ALIGNED}; dmarc=permerror header.from=uni.example").domain == ""


def test_no_single_sender_no_trust() -> None:
    assert not judged(f"{OURS}; {ALIGNED}", sender="kari@uni.example, ola@uni.example").passed
    assert not judged(f"{OURS}; {ALIGNED}", more=("From: ola@uni.example",)).passed
    assert not judged(f"{OURS}; dmarc=pass", sender="Kari").passed
    via = judged(f"{OURS}; dmarc=pass", sender="'Kari' via M <mikrodata@ssb.example>", more=("X-Original-From: kari@uni.example",))
    assert not via.passed


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("uni.example", "uni.example", True),
        ("med.uni.example", "uni.example", True),
        ("uio.no", "med.uio.no", True),
        ("oslo.kommune.no", "bergen.kommune.no", False),  # kommune.no is a public suffix
        ("oslo.kommune.no", "helse.oslo.kommune.no", True),
        ("a.co.uk", "b.co.uk", False),
        ("kommune.no", "kommune.no", True),
        ("ac.uk", "ox.ac.uk", False),
        ("blåbær.example", "xn--blbr-roah.example", True),
        ("", "", False),
        ("uni.example", "", False),
        ("localhost", "localhost", False),
    ],
)
def test_alignment(first: str, second: str, same: bool) -> None:
    assert aligned(first, second) is same


def test_domains() -> None:
    assert domain_of("<Kari@UNI.example.>") == "uni.example"
    assert domain_of("@uni.example") == "uni.example"
    assert domain_of("uni.example") == "uni.example"
    assert domain_of("kari@uni example") == ""
    assert domain_of("kari@[192.0.2.1]") == ""
    assert organisational("no") == ""


def test_parse_never_raises_and_leaves_out_what_it_cannot_read() -> None:
    for value in (
        "",
        ";",
        ";;;",
        "x",
        "a=b",
        "x; =pass",
        "x; dkim=",
        "x; dkim=pass header.d",
        '"',
        "(((",
        ")))",
        "x; dkim=pass header.d=\x00",
        "=" * 9000,
    ):
        parse(value)
    identifier, checks = parse("mx.example; dkim=pass header.d=a.example; nonsense; spf=fail")
    assert identifier == "mx.example"
    assert [(check.method, check.result) for check in checks] == [("dkim", "pass"), ("spf", "fail")]


def test_own_result_is_the_topmost_of_a_trusted_server() -> None:
    headers = [("Subject", "x"), ("Authentication-Results", "a.example; spf=pass"), ("authentication-results", "b.example; spf=fail")]
    assert [check.result for check in own_result(headers, ("b.example",))] == ["fail"]
    assert [check.result for check in own_result(headers, ("B.example", "a.example."))] == ["pass"]
    assert own_result(headers, ()) == ()
