from __future__ import annotations

import pytest
from feature_files import ROOT, feature_file, features

from testbed.language import tags
from testbed.upkeep import featurelint
from testbed.upkeep.featurelint import FeatureFile

HEAD = """\
@backup
Feature: A chain of incremental backups
  An operator keeps one full backup and adds a small one after each stretch of work.
  Each must restore the drive as it was at that moment.

  Background:
    Given a machine with the 64 MiB drive "drive0"
    And a full backup of "drive0"

  Rule: Each backup of a chain restores the drive as it was when that backup was taken
    @iotest-124 @incremental_simple
    Scenario: The first has nothing to copy
      Given a bitmap "bitmap0" on "drive0"
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup should succeed
      But the bitmap "bitmap0" should still be recording

    Scenario: A story that goes on
      Given the guest has written 64 KiB at 1 MiB of "drive0"
      When an incremental backup of "drive0" is taken with "bitmap1"
      Then the backup should fail with "GenericError: {'file': '/tmp/x.qcow2'}"
      When it is taken again
      Then the backup should succeed

    Scenario Outline: Writes that <what>
      Given the guest has written to "drive0":
        | pattern | at          | length   | note          |
        | 0x41    | <at>        | 1024 B   |               |
        | 0x42    | 0           | <length> |               |
        | 0x43    | 2 MiB - 1 B | 1 B      | the last byte |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then it should hold <length>

      Examples: one row for each side of a cluster
        | case       | at     | length | what                |
        | the usual  | 1 MiB  | 64 KiB | fill a cluster      |
        | over edges | 63 KiB | 2 KiB  | lie over a boundary |
"""

FILLER = """
    Scenario: Filler {0}
      Given a bitmap "bitmap{0}" on "drive0"
      When an incremental backup of "drive0" is taken with "bitmap{0}"
      Then the backup should succeed
"""

GOOD = HEAD + "".join(FILLER.format(number) for number in range(2, 7))

STEP = "      But the bitmap"

BROKEN = [
    ("described", "  Each must restore the drive as it was at that moment.\n", ""),
    ("readable-in-one-go", "  An operator", "  And so on, and so on.\n" * 100 + "  An operator"),
    ("readable-in-one-go", FILLER.format(2), "".join(FILLER.format(number) for number in range(20, 26))),
    ("narrow", "  An operator keeps", f"  An {'old ' * 32}operator keeps"),
    ("narrow", "the last byte |", f"the last byte{' ' * 110}|"),
    (
        "ruled",
        "  Rule: Each",
        "  Scenario: Loose\n    Given a bitmap\n    When a backup is taken\n    Then it should succeed\n\n  Rule: Each",
    ),
    ("plain-titles", "The first has nothing to copy", "Verify that the first has nothing to copy"),
    ("plain-titles", "The first has nothing to copy", "A test of the first"),
    ("plain-titles", "The first has nothing to copy", "The first (nothing to copy)"),
    ("plain-titles", "A chain of incremental backups", "A chain of incremental backups."),
    ("plain-titles", "Scenario: The first has nothing to copy", "Scenario:"),
    ("known-tags", "@backup", "@backup @bakcup"),
    ("known-tags", "  Rule: Each", "  @later\n  Rule: Each"),
    ("filed-by-area", "@backup", "@failure"),
    ("filed-by-area", "@backup", "@slow @backup"),
    ("known-tags", "    Scenario Outline:", "    @<what>\n    Scenario Outline:"),
    ("known-tags", "      Examples:", "      @nightly\n      Examples:"),
    ("known-tags", "    Scenario: Filler 2", "    @bug-B7x\n    Scenario: Filler 2"),
    ("traceable-cases", "@iotest-124 @incremental_simple", "@iotest-124"),
    ("traceable-cases", "@iotest-124 @incremental_simple", "@incremental_simple"),
    ("traceable-cases", "@incremental_simple", "@incremental_simple @incremental_pause"),
    ("tagged-upgrades", "@iotest-124", "@upgrade @iotest-124"),
    ("tagged-upgrades", 'a bitmap "bitmap2" on "drive0"', '"next" of the next build'),
    ("short-scenarios", '      Given a bitmap "bitmap2" on "drive0"\n', ""),
    ("short-scenarios", STEP, "      And it should be small\n" * 15 + STEP),
    ("quiet-backgrounds", "  Rule: Each", '    And a bitmap "b" on "drive0"\n' * 3 + "  Rule: Each"),
    ("quiet-backgrounds", "  Rule: Each", "    When it is taken again\n  Rule: Each"),
    ("one-act", '      When an incremental backup of "drive0" is taken with "bitmap1"\n', ""),
    ("one-act", "should still be recording\n", "should still be recording\n      Given another drive\n"),
    ("one-act", "      When it is taken again\n", "      When it is paused\n" * 2 + "      And it is taken again\n"),
    ("one-act", "      When it is taken again\n", "      When it ends\n      Then it should be gone\n" * 2),
    ("should-in-then", "But the bitmap", "And the bitmap is whole\n      But the bitmap"),
    ("should-in-then", "the guest has written 64 KiB", "the guest should have written 64 KiB"),
    ("should-in-then", "should succeed\n" + STEP, 'succeeds with "it should"\n' + STEP),
    ("spoken-keywords", STEP, "      * it should be whole\n" + STEP),
    ("spoken-keywords", "And a full backup", "But a full backup"),
    ("no-mechanics", "a bitmap", "a {'bitmap'} in"),
    ("no-mechanics", "a bitmap", "~/target and a bitmap"),
    ("no-mechanics", "a bitmap", "the image target.qcow2 with a bitmap"),
    ("no-mechanics", "is taken with", "is taken by blockdev-backup with"),
    ("no-mechanics", "The first has nothing to copy", "The first ends with BLOCK_JOB_COMPLETED"),
    ("no-mechanics", "An operator", "By QMP, an operator"),
    ("no-mechanics", "it is taken again", "qemu-img is started"),
    ("no-mechanics", "it is taken again", "the shell takes it again"),
    ("sizes-with-units", "64 KiB at 1 MiB", "65536 at 1 MiB"),
    ("sizes-with-units", "64 KiB at 1 MiB", "64K at 1 MiB"),
    ("sizes-with-units", "64 KiB at 1 MiB", "64KiB at 1 MiB"),
    ("sizes-with-units", "64 KiB at 1 MiB", "64 KB at 1 MiB"),
    ("sizes-with-units", "| 1024 B ", "| 1024   "),
    ("sizes-with-units", "| 63 KiB |", "| 64512 |"),
    ("sizes-with-units", "64 KiB at 1 MiB", "512 bytes at 1 MiB"),
    ("sizes-with-units", "| 1024 B ", "| 512 bytes "),
    ("sizes-with-units", "| 2 MiB - 1 B ", "| 2 MiB - 1 "),
    ("sizes-with-units", "| 2 MiB - 1 B ", "| 2 MiB -1 B "),
    ("no-calculator", "64 KiB at 1 MiB", "65535 B at 1 MiB"),
    ("no-calculator", "64 KiB at 1 MiB", "2,199,023,256,064 B at 1 MiB"),
    ("no-calculator", "64 KiB at 1 MiB", "1 MiB + 65,535 B at 1 MiB"),
    ("no-calculator", "64 KiB at 1 MiB", "15872 KiB at 1 MiB"),
    ("no-calculator", "| 1024 B ", "| 10240 B "),
    ("no-calculator", "| 2 MiB - 1 B ", "| 2097151 B "),
    ("reasons-first", "| case       | at     | length |", "| at | case | length |"),
    ("reasons-first", "| case       | at     | length |", "| which | at | length |"),
    ("reasons-first", "| case       | at     | length |", "| note | at | length |"),
    ("reasons-first", "| length   | note          |", "| length   | which |"),
    ("reasons-first", "| length   | note          |", "| length   | case |"),
]


def broken_rules(text: str) -> set[str]:
    return {finding.rule for finding in featurelint.judge(feature_file(text))}


@pytest.mark.parametrize("file", features(), ids=lambda file: str(file.path.relative_to(ROOT)))
def test_feature_keeps_the_style(file: FeatureFile) -> None:
    assert [str(finding) for finding in featurelint.judge(file)] == []


def test_titles_are_unique_in_the_repository() -> None:
    assert [str(finding) for finding in featurelint.repeated_titles(features())] == []


def test_each_case_of_iotest_124_has_a_scenario() -> None:
    told = {tag for file in features() for case in file.cases for tag in case.tags}
    assert not features() or tags.CASES.keys() <= told


# The checks themselves, each seen to fail.


def test_good_style_breaks_no_rule() -> None:
    assert broken_rules(GOOD) == set()


def test_sums_of_sizes_and_what_qemu_says_of_bytes_break_no_rule() -> None:
    text = GOOD.replace("64 KiB at 1 MiB", "4 MiB + 1 KiB - 1 B at 1 MiB")
    assert broken_rules(text.replace("'/tmp/x.qcow2'", "4194305 B, 4194305 bytes")) == set()


def test_size_with_many_digits_is_found_with_a_plain_one() -> None:
    (finding,) = featurelint.judge(feature_file(GOOD.replace("64 KiB at 1 MiB", "2097151 B at 1 MiB")))
    assert '"2097151 B" needs a calculator, 2 MiB - 1 B does not' in finding.what


@pytest.mark.parametrize(("rule", "good", "bad"), BROKEN)
def test_bad_style_breaks_its_rule_alone(rule: str, good: str, bad: str) -> None:
    assert good in GOOD
    assert broken_rules(GOOD.replace(good, bad, 1)) == {rule}


def test_each_rule_has_been_seen_to_fail() -> None:
    assert {rule for rule, _, _ in BROKEN} == featurelint.RULES.keys()


def test_finding_names_its_place() -> None:
    text = GOOD.replace("64 KiB at 1 MiB", "65536 at 1 MiB")
    (finding,) = featurelint.judge(feature_file(text))
    assert str(finding).startswith('features/backup/chain.feature:19: "65536" is no size with a unit')


def test_repeated_title_is_found_in_another_file() -> None:
    files = [feature_file(GOOD), feature_file(GOOD, "features/backup/copy.feature")]
    found = [str(finding) for finding in featurelint.repeated_titles(files)]
    assert len(found) == 2 * len(files[0].titled)
    assert any("copy.feature:2: another feature is titled" in line for line in found)
    assert featurelint.repeated_titles(files[:1]) == []


def test_outline_and_scenario_may_not_share_a_title() -> None:
    text = GOOD.replace("Filler 2", "Writes that <what>")
    first, second = featurelint.repeated_titles([feature_file(text)])
    assert first.what == second.what == 'another scenario is titled "Writes that <what>"'
