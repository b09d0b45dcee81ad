"""The registry as data: what may stand in it, how an operator's file is laid over ours, and that every number has its tests."""

from pathlib import Path

import pytest

from gateways.ocpp.quirks import QuirkError, load, ours
from gateways.ocpp.quirks.entry import NUMBERS
from tests.gateways.ocpp import quirks_table
from tests.gateways.ocpp.node import registry

OWN = 'id = "own"\ntier = "repair"\nsays = "..."'


def test_every_number_has_entries_and_a_replay_test_for_each_protocol_that_it_concerns() -> None:
    assert {quirk.number for quirk in ours().quirks} == set(NUMBERS)
    missing = {(number, name) for number, name in quirks_table.wanted() if not quirks_table.tests_of(number, name)}
    assert not missing


def test_the_table_is_up_to_date() -> None:
    assert quirks_table.PATH.read_text(encoding="utf-8") == quirks_table.table(), f"run {quirks_table.COMMAND}"


def test_every_flag_has_one_meaning() -> None:
    general = [flag for quirk in ours().quirks if not quirk.of_some for flag in quirk.flags]
    assert len(general) == len(set(general))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"[[quirk]]\n{OWN}\ncall_gp = 1", "quirk 'own': unknown key 'call_gp': did you mean call_gap?"),
        (f"[[quirk]]\n{OWN}\n[quirk.enum.status]\nalias = {{}}", "enum.status: unknown key 'alias': did you mean aliases?"),
        ("[[quirks]]\nid = 'x'", "unknown key 'quirks': did you mean quirk?"),
        ("[[quirk]]\ntier = 'repair'", "the 1. quirk has no id"),
        (f"[[quirk]]\n{OWN}\n[[quirk]]\n{OWN}", "there are two quirks 'own'"),
        ("[[quirk]]\nid = 'own'\nsays = '...'\ntier = 'mend'", "Invalid enum value 'mend'"),
        ("[[quirk]]\nid = 'own'", "missing required field `tier`"),
        (f"[[quirk]]\n{OWN}\ncall_gap = 300", "call_gap is 0 to 20 seconds"),
        (f"[[quirk]]\n{OWN}\nnumber = 99", "number is 1 to 27"),
        (f"[[quirk]]\n{OWN}\nboot_first = 'yes'", "Expected `bool"),
        ("[[quirk]", "is not valid TOML"),
        ("quirk = 5", "entries are written [[quirk]]"),
        (f"[[quirk]]\n{OWN}\navoid_triggers = ['BootNotifcation']", "did you mean BootNotification?"),
        (f"[[quirk]]\n{OWN}\nrefused_purposes = ['TxDefault']", "did you mean TxDefaultProfile?"),
        (f"[[quirk]]\n{OWN}\n[quirk.absent]\n'StartTransaction.timestmp' = 'epoch'", "did you mean StartTransaction.timestamp?"),
        (f"[[quirk]]\n{OWN}\nuncut = ['idTg']", "did you mean idTag?"),
    ],
)
def test_what_is_misspelt_is_an_error_that_says_so(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(QuirkError) as wrong:
        load(path)
    assert said in str(wrong.value)
    assert "own.toml" in str(wrong.value)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(QuirkError, match=r"nowhere\.toml cannot be read"):
        load(tmp_path / "nowhere.toml")


def test_an_operators_entry_changes_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    changed = registry(tmp_path, 'id = "v16-words"\n[quirk.enum.status]\naliases = { Ready = "Available" }')
    rule = changed.rules("ocpp1.6").enum["status"]
    assert rule.aliases["Ready"] == "Available"
    assert rule.aliases["Free"] == "Available", "ours are still there"
    assert "Ready" not in ours().rules("ocpp1.6").enum["status"].aliases
    off = registry(tmp_path, 'id = "keba-serial"\noff = true')
    assert not off.rules("ocpp1.6", ("KEBA", "P30", "")).tag_serial
    assert ours().rules("ocpp1.6", ("KEBA", "P30", "")).tag_serial


def test_what_is_said_of_a_maker_counts_more_than_what_is_said_of_all(tmp_path: Path) -> None:
    found = registry(
        tmp_path,
        'id = "v"\ntier = "repair"\nsays = "..."\nvendor = "V*"\nfirmware = "1.*"\nprotocol = ["ocpp1.*"]\ncall_gap = 2.0',
        'id = "all"\ntier = "repair"\nsays = "..."\ncall_gap = 1.0',
    )
    made = ("vendor", "m", "1.9")
    assert found.rules("ocpp1.6", made).call_gap == 2.0
    assert found.rules("ocpp1.5", made).call_gap == 2.0
    assert found.rules("ocpp2.0.1", made).call_gap == 1.0
    assert found.rules("ocpp1.6", ("vendor", "m", "2.0")).call_gap == 1.0
    assert found.rules("ocpp1.6", made) is found.rules("ocpp1.6", made), "one object for all stations of a kind"
