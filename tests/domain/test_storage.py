from __future__ import annotations

import errno
import re

import pytest
from real_qemu import add_drive

from testbed.base.problems import AuthorError
from testbed.domain import storage as fault
from testbed.domain.drive import Drive
from testbed.model.content import Content, Run
from testbed.qemu.images import Images
from testbed.qemu.machine import GuestRequestFailed, Machine

SIZE = 1 << 20

TEXTS = [
    "never fails",
    'never fails with "Input/output error"',
    "fails the first read after a flush",
    'fails the first 2 reads after a flush with "No space left on device"',
    "fails the fourth read after a flush",
    "fails the second write",
    'fails every other write with "No space left on device"',
    "fails the first compressed write",
    'fails each read with "No space left on device"',
    'fails to write zeros once with "No space left on device"',
    "works in blocks of 4 KiB",
    "can be held up",
]


@pytest.mark.parametrize("text", TEXTS)
def test_all_that_storage_can_be_said_to_do_makes_options_of_a_node(text: str) -> None:
    assert re.fullmatch(fault.PATTERN, text)
    assert fault.storage(text)("image")["driver"] in ("file", "blkdebug")


@pytest.mark.parametrize("text", ["fails", "fails the fifth write", "never fails now", "works in blocks"])
def test_what_storage_cannot_be_said_to_do(text: str) -> None:
    assert not re.fullmatch(fault.PATTERN, text)


def test_an_error_that_is_not_named_is_that_of_a_broken_disk() -> None:
    assert fault.storage("fails the second write")("image") == fault.storage(
        f'fails the second write with "{errno_text(errno.EIO)}"'
    )("image")


def test_an_error_that_there_is_not() -> None:
    with pytest.raises(
        AuthorError, match=r'no error of the system "No such device or dress"; did you mean "No such device'
    ):
        fault.storage('fails the second write with "No such device or dress"')


def errno_text(number: int) -> str:
    return next(text for text, known in fault.ERRORS.items() if known == number)


def drive_on(machine: Machine, images: Images, text: str) -> Drive:
    """Return a drive in a raw image full of 0x41, on storage that does what the text says."""
    content = Content(SIZE, (Run(0, SIZE, 0x41),))
    return add_drive(machine, images, content, image_format="raw", storage=fault.storage(text))


def test_sound_storage_takes_all(machine: Machine, images: Images) -> None:
    drive = drive_on(machine, images, "never fails")
    drive.write(0x42, 0, 512)
    drive.flush()
    drive.read(0, SIZE)
    machine.quit()
    assert images.first_difference("drive0.raw", "raw", drive.content) is None


def test_what_waits_for_a_read_arrives_when_it_goes_on(machine: Machine, images: Images) -> None:
    drive = drive_on(machine, images, "can be held up")
    drive.hold_next("read")
    machine.execute("blockdev-add", {"driver": "null-co", "node-name": "target", "size": SIZE})
    machine.execute("blockdev-backup", {"job-id": "job0", "device": "drive0", "target": "target", "sync": "full"})
    drive.wait_for_held("read")
    drive.begin([Run(0, 512, 0x42), Run(512, 1024, 0)])
    assert drive.content.pattern_at(0) == 0x41
    drive.let_go_on("read")
    assert drive.content.pattern_at(0) == 0x42
    assert drive.on_their_way == []
    machine.quit()
    assert images.first_difference("drive0.raw", "raw", drive.content) is None


def test_storage_that_cannot_be_held_up_says_so(machine: Machine, images: Images) -> None:
    drive = drive_on(machine, images, "never fails")
    with pytest.raises(GuestRequestFailed, match=r"break read_aio.*Could not set breakpoint"):
        drive.hold_next("read")


def test_a_sentence_that_speaks_of_what_is_not_held_up_is_a_slip(machine: Machine, images: Images) -> None:
    drive = drive_on(machine, images, "can be held up")
    with pytest.raises(AuthorError, match="no read of drive0 was to be held up; nothing is"):
        drive.wait_for_held("read")
    drive.hold_next("read")
    for say in (drive.wait_for_held, drive.let_go_on):
        with pytest.raises(AuthorError, match="no write of drive0 was to be held up; the next read is"):
            say("write")


def test_each_read_fails_and_each_write_is_taken(machine: Machine, images: Images) -> None:
    drive = drive_on(machine, images, "fails each read")
    for _ in range(2):
        with pytest.raises(GuestRequestFailed, match="Input/output error"):
            drive.read(0, 512)
        drive.write(0x42, 0, 512)


def test_only_the_write_whose_turn_it_is_fails(machine: Machine, images: Images) -> None:
    drive = drive_on(machine, images, 'fails the second write with "No space left on device"')
    drive.write(0x42, 0, 512)
    with pytest.raises(GuestRequestFailed, match="No space left on device"):
        drive.write(0x43, 512, 512)
    drive.write(0x44, 1024, 512)
    assert drive.content.pattern_at(512) == 0x41


def test_every_other_write_fails(machine: Machine, images: Images) -> None:
    images.create("image", "raw", Content(SIZE))
    storage = fault.storage("fails every other write")
    machine.execute("blockdev-add", {"driver": "raw", "node-name": "target", "file": storage("image")})
    for _ in range(3):
        machine.guest_request("target", "write 0 512", "wrote")
        with pytest.raises(GuestRequestFailed, match="Input/output error"):
            machine.guest_request("target", "write 0 512", "wrote")


def test_reads_fail_only_after_a_flush(machine: Machine, images: Images) -> None:
    drive = drive_on(machine, images, "fails the first 2 reads after a flush")
    drive.write(0x42, 0, 512)
    drive.read(0, 512)
    drive.flush()
    for _ in range(2):
        with pytest.raises(GuestRequestFailed, match="Input/output error"):
            drive.read(0, 512)
    drive.read(0, 512)


def test_only_the_read_whose_turn_it_is_fails_after_a_flush(machine: Machine, images: Images) -> None:
    drive = drive_on(machine, images, "fails the third read after a flush")
    drive.write(0x42, 0, 512)
    drive.read(0, 512)
    drive.flush()
    drive.read(0, 512)
    drive.read(0, 512)
    with pytest.raises(GuestRequestFailed, match="Input/output error"):
        drive.read(0, 512)
    drive.read(0, 512)


def test_zeros_that_are_not_sent_fail_once_and_data_never(machine: Machine, images: Images) -> None:
    drive = drive_on(machine, images, 'fails to write zeros once with "No space left on device"')
    drive.write(0x42, 0, 512)
    with pytest.raises(GuestRequestFailed, match="No space left on device"):
        drive.write_zeroes(0, 512)
    drive.write_zeroes(0, 512)


def test_storage_with_large_blocks_gets_whole_ones_and_keeps_what_it_had(machine: Machine, images: Images) -> None:
    drive = drive_on(machine, images, "works in blocks of 4 KiB")
    drive.write(0x42, 4095, 2)
    drive.flush()
    machine.quit()
    assert images.first_difference("drive0.raw", "raw", drive.content) is None
