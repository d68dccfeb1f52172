"""What a user may choose: options of the command line, and the environment variables of QEMU's own tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeVar

from testbed.base.problems import EnvironmentUnusable, Problem, hint

T = TypeVar("T")
Word = TypeVar("Word", bound=str)

OTHERS = ("behave.", "junit.tag.", "junit.property.")
"""How the names begin of options that behave and the JUnit files read by themselves."""


class BadValue(ValueError):
    """A value that an option cannot have; the text says what it should be, to follow "give"."""


@dataclass(frozen=True)
class Option:
    """What there is to say of one option, wherever it is said.

    `name` is for `-D name=value`, `variable` the environment variable that counts if that is not given;
    `values` says what it may be, `unset` what holds without it, `meaning` what it is for.
    """

    name: str
    values: str
    unset: str
    meaning: str
    variable: str | None
    read: Callable[[str], object]


def _option(
    default: T,
    read: Callable[[str], T],
    *,
    values: str,
    meaning: str,
    unset: str = "",
    variable: str | None = None,
) -> T:
    option = {
        "values": values,
        "unset": unset or str(default),
        "meaning": meaning,
        "variable": variable,
        "read": read,
    }
    return field(default=default, metadata=option)


def _text(value: str) -> str:
    if not value:
        raise BadValue("a value, or leave the option out")
    return value


def _directory(value: str) -> Path:
    return Path(_text(value)).expanduser()


def _factor(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise BadValue("a number greater than 0, such as 1 or 2.5")
    return number


def _whole_number(value: str) -> int:
    if not (value.isascii() and value.isdecimal()):
        raise BadValue("a whole number, such as 500, or 0")
    return int(value)


def _names(value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(","))
    if not all(names):
        raise BadValue("names, with commas between them, such as merge-empty-list")
    return names


def _one_of(*words: Word) -> Callable[[str], Word]:
    def read(value: str) -> Word:
        for word in words:
            if word == value:
                return word
        raise BadValue(f"one of {', '.join(words)}")

    return read


@dataclass(frozen=True)
class Settings:
    """The choices for one run. Each field is an option of the same name."""

    qemu: str | None = _option(
        None,
        _text,
        variable="QEMU_PROG",
        values="a binary, a build tree or an installation",
        unset="that of the PATH, for this machine's architecture if there is one",
        meaning="the QEMU to judge, or a storage daemon in its place; a directory gives all of its tools",
    )
    next_qemu: str | None = _option(
        None,
        _text,
        values="a binary, a build tree or an installation",
        unset="none: scenarios in which a machine goes on with another build do not apply",
        meaning="another QEMU, with which machines go on that began on the one to judge",
    )
    qemu_img: str | None = _option(
        None,
        _text,
        variable="QEMU_IMG_PROG",
        values="a binary",
        unset="the one that comes with qemu, else that of the PATH",
        meaning="the qemu-img that makes and compares images",
    )
    qemu_io: str | None = _option(
        None,
        _text,
        variable="QEMU_IO_PROG",
        values="a binary",
        unset="the one that comes with qemu, else that of the PATH",
        meaning="the qemu-io that writes and reads images",
    )
    format: Literal["qcow2", "raw"] = _option(
        "qcow2", _one_of("qcow2", "raw"), values="qcow2 or raw", meaning="the format of the drives' images"
    )
    scratch: Path | None = _option(  # noqa: RUF009 - it makes a field
        None,
        _directory,
        values="a directory",
        unset="in memory (/dev/shm) if there is room, else TMPDIR",
        meaning="where the images are while a scenario runs; removed afterwards whatever happens",
    )
    keep: Literal["failed", "always", "never"] = _option(
        "failed",
        _one_of("failed", "always", "never"),
        values="failed, always or never",
        meaning="whose evidence is kept: of scenarios that failed, of all, or of none",
    )
    keep_mb: int = _option(
        200,
        _whole_number,
        values="a whole number",
        meaning="how many MiB of images a run keeps in all its evidence; the rest of the evidence is always kept",
    )
    patience: float = _option(
        1.0,
        _factor,
        values="a number greater than 0",
        unset="1",
        meaning="multiplies every time-out, for slow machines and debuggers",
    )
    mended: tuple[str, ...] = _option(
        (),
        _names,
        values="names, with commas",
        unset="none",
        meaning="known defects that this build mends although its release has them: their scenarios must pass",
    )
    require: Literal["all", "nothing"] = _option(
        "nothing",
        _one_of("all", "nothing"),
        values="all or nothing",
        meaning="all: a scenario that needs what the build does not have fails; nothing: it is left out",
    )
    reports: Path = _option(  # noqa: RUF009 - it makes a field
        Path("reports"),
        _directory,
        values="a directory",
        meaning="where JUnit files, evidence and summary go",
    )
    junit: Literal["full", "strict"] = _option(
        "full",
        _one_of("full", "strict"),
        values="full or strict",
        meaning="strict: leave out of the JUnit files what importers that check the schema refuse",
    )

    @classmethod
    def load(cls, userdata: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
        """Read the settings from behave's userdata, which is what -D gave, and for the rest from `environ`.

        An environment variable that is empty counts as not set. Raises EnvironmentUnusable with all unknown
        options and bad values at once.
        """
        options = {option.name: option for option in OPTIONS}
        problems = [
            Problem(f"there is no option {name}", hint(name.lower().replace("-", "_"), options))
            for name in userdata
            if name not in options and not name.startswith(OTHERS)
        ]
        values = {}
        for option in OPTIONS:
            if option.name in userdata:
                source, text = f"-D {option.name}", str(userdata[option.name])
            elif option.variable and environ.get(option.variable):
                source, text = option.variable, environ[option.variable]
            else:
                continue
            try:
                values[option.name] = option.read(text)
            except BadValue as error:
                problems.append(Problem(f'{source} cannot be "{text}"', f"give {error}"))
        if problems:
            raise EnvironmentUnusable(problems)
        return cls(**values)  # type: ignore[arg-type]  # each value was read by its own field's reader

    @property
    def for_next_build(self) -> Settings:
        """Return the choices by which the programs of the next build are found: none but its name."""
        return Settings(qemu=self.next_qemu, patience=self.patience)


OPTIONS = tuple(Option(name=choice.name, **choice.metadata) for choice in fields(Settings))
"""All options, in the order in which the documentation lists them."""
