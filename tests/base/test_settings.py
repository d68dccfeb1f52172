from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from testbed.base.problems import EnvironmentUnusable, Problem
from testbed.base.settings import OPTIONS, Settings


def problems(userdata: Mapping[str, object], environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    with pytest.raises(EnvironmentUnusable) as caught:
        Settings.load(userdata, environ or {})
    return caught.value.problems


def test_nothing_chosen() -> None:
    settings = Settings.load({}, {})
    assert settings == Settings()
    assert settings.format == "qcow2"
    assert settings.qemu is None
    assert settings.scratch is None
    assert settings.keep == "failed"
    assert settings.keep_mb == 200
    assert settings.require == "nothing"
    assert settings.patience == 1
    assert settings.reports == Path("reports")
    assert settings.junit == "full"


def test_everything_chosen() -> None:
    userdata = {
        "qemu": "/builds/a, b",
        "next_qemu": "/builds/next",
        "qemu_img": "qemu-img-11",
        "qemu_io": "io",
        "format": "raw",
        "scratch": "~/images of: \"mine\", 'too'",
        "keep": "always",
        "keep_mb": "0",
        "patience": "2.5",
        "mended": "merge-empty-list, regrown-space",
        "require": "all",
        "reports": "out",
        "junit": "strict",
    }
    assert userdata.keys() == {option.name for option in OPTIONS}
    settings = Settings.load(userdata, {})
    assert settings.qemu == "/builds/a, b"
    assert settings.scratch == Path.home() / "images of: \"mine\", 'too'"
    assert settings.patience == 2.5
    assert settings.keep_mb == 0
    assert (settings.format, settings.keep, settings.require, settings.junit) == ("raw", "always", "all", "strict")
    assert settings.mended == ("merge-empty-list", "regrown-space")
    assert (settings.qemu_img, settings.qemu_io) == ("qemu-img-11", "io")


def test_variables_of_qemu_s_own_tests_count() -> None:
    environ = {
        "QEMU_PROG": "a",
        "QEMU_IMG_PROG": "b",
        "QEMU_IO_PROG": "c",
        "OTHER": "d",
    }
    settings = Settings.load({}, environ)
    assert (settings.qemu, settings.qemu_img, settings.qemu_io) == ("a", "b", "c")


def test_option_comes_before_the_variable_and_an_empty_variable_does_not_count() -> None:
    settings = Settings.load({"qemu": "mine"}, {"QEMU_PROG": "other", "QEMU_IMG_PROG": ""})
    assert settings.qemu == "mine"
    assert settings.qemu_img is None


def test_options_of_behave_are_none_of_our_business() -> None:
    assert Settings.load({"behave.reporter.junit.show_hostname": "no"}, {}) == Settings()


def test_numbers_from_a_configuration_file_are_read_like_text() -> None:
    assert Settings.load({"patience": 3}, {}).patience == 3


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("qemu-img", 'did you mean "qemu_img"'),
        ("QEMU", 'did you mean "qemu"'),
        ("scrach", 'did you mean "scratch"'),
        ("qemu_img_prog", 'did you mean "qemu_img"'),
        ("weather", 'there are: "qemu", "next_qemu", "qemu_img", '),
    ],
)
def test_unknown_option_is_refused_with_the_nearest_known_one(name: str, advice: str) -> None:
    (problem,) = problems({name: "x"})
    assert problem.what == f"there is no option {name}"
    assert problem.remedy.startswith(advice)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("format", "qcow", "give one of qcow2, raw"),
        ("keep", "Always", "give one of failed, always, never"),
        ("keep_mb", "-1", "give a whole number, such as 500, or 0"),
        ("keep_mb", "1.5", "give a whole number, such as 500, or 0"),
        ("keep_mb", "200 MB", "give a whole number, such as 500, or 0"),
        ("keep_mb", "", "give a whole number, such as 500, or 0"),
        ("mended", "merge-empty-list,", "give names, with commas between them, such as merge-empty-list"),
        ("require", "true", "give one of all, nothing"),
        ("junit", "", "give one of full, strict"),
        ("patience", "0", "give a number greater than 0, such as 1 or 2.5"),
        ("patience", "-1", "give a number greater than 0, such as 1 or 2.5"),
        ("patience", "inf", "give a number greater than 0, such as 1 or 2.5"),
        ("patience", "nan", "give a number greater than 0, such as 1 or 2.5"),
        ("patience", "long", "give a number greater than 0, such as 1 or 2.5"),
        ("scratch", "", "give a value, or leave the option out"),
        ("qemu", "", "give a value, or leave the option out"),
    ],
)
def test_bad_value_is_refused_with_good_ones(name: str, value: str, remedy: str) -> None:
    assert problems({name: value}) == (Problem(f'-D {name} cannot be "{value}"', remedy),)


def test_all_problems_are_reported_at_once() -> None:
    found = problems({"scrach": "x", "keep": "some", "patience": "0", "qemuio": "y"})
    assert [problem.what for problem in found] == [
        "there is no option scrach",
        "there is no option qemuio",
        '-D keep cannot be "some"',
        '-D patience cannot be "0"',
    ]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().keep = "never"  # type: ignore[misc]


def test_each_option_is_a_field_and_is_explained() -> None:
    assert [option.name for option in OPTIONS] == [field.name for field in fields(Settings)]
    for option in OPTIONS:
        assert option.values
        assert option.meaning
        assert option.unset
