from __future__ import annotations

import pytest
from broken_promise import why_not
from hamcrest import assert_that

from testbed.domain.request import Refusal
from testbed.promises.refusals import answers, is_granted, refused_with
from testbed.qemu.monitor import Refused


def test_a_refusal_matches_by_class_and_words() -> None:
    refused = Refused("block-dirty-bitmap-add", "GenericError", "Bitmap already exists: bitmap0")
    assert_that(refused, refused_with(Refusal("already exists")))
    assert why_not(refused, refused_with(Refusal("is busy"))) == (
        'QEMU refused it as a GenericError that says "Bitmap already exists: bitmap0"'
    )
    assert "QEMU refused it as a GenericError" in why_not(
        refused, refused_with(Refusal("already exists", "DeviceNotFound"))
    )


def test_a_refusal_may_be_spelt_as_of_old() -> None:
    newest = "Invalid node-name: 'no such'"
    assert_that(Refused("blockdev-add", "GenericError", "Invalid node name"), refused_with(Refusal(newest)))


def test_a_grant_is_no_refusal() -> None:
    promise = refused_with(Refusal("is busy"))
    assert promise.words == 'a refusal as a GenericError that says "is busy"'
    assert why_not(None, promise) == "QEMU granted the request"


NEWEST = "Cannot find device='absent' nor node-name='absent'"


@pytest.mark.parametrize("told", [NEWEST, "Cannot find device=absent nor node_name=absent"])
def test_a_refusal_is_known_in_either_spelling(told: str) -> None:
    assert refused_with(Refusal(NEWEST)).complaint(Refused("x", "GenericError", told)) is None


@pytest.mark.parametrize(
    ("refusal", "complaint"),
    [
        (None, "QEMU granted the request"),
        (
            Refused("x", "GenericError", "Cannot find device=other nor node_name=other"),
            'QEMU refused it as a GenericError that says "Cannot find device=other nor node_name=other"',
        ),
        (Refused("x", "DeviceNotFound", NEWEST), f'QEMU refused it as a DeviceNotFound that says "{NEWEST}"'),
    ],
)
def test_anything_else_is_no_such_refusal(refusal: Refused | None, complaint: str) -> None:
    assert refused_with(Refusal(NEWEST)).complaint(refusal) == complaint


def test_an_answer_is_a_grant_or_the_refusal_that_was_expected() -> None:
    refused = Refused("x", "GenericError", "Bitmap 'a' is currently in use")
    assert answers(None, None)
    assert answers(refused, Refusal("is currently in use"))
    assert not answers(refused, None)
    assert not answers(None, Refusal("is currently in use"))
    assert not answers(refused, Refusal("is currently in use", "DeviceNotFound"))
    assert not answers(refused, Refusal("is inconsistent"))


def test_a_refusal_is_no_grant() -> None:
    assert_that(None, is_granted())
    refused = Refused("block-job-cancel", "DeviceNotActive", "Block job 'a' not found")
    assert why_not(refused, is_granted()) == "QEMU refused block-job-cancel: Block job 'a' not found (DeviceNotActive)"
