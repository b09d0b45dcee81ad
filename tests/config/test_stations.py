"""The station's side of a node, as far as settings decide it."""

from pathlib import Path

import pytest

from config.errors import UserError
from config.settings import load_settings
from config.stations import quirks_of


def test_an_operators_quirks_are_laid_over_ours(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[[quirk]]\nid = "own"\ntier = "repair"\nsays = "..."\nvendor = "acme"\ncall_gap = 2.0\n')
    config = tmp_path / "csms.toml"
    config.write_text(f'[ocpp]\nquirks = "{path}"\n')
    quirks = quirks_of(load_settings(config).ocpp)
    assert quirks.rules("ocpp1.6", ("Acme", "", "")).call_gap == 2.0
    assert quirks.rules("ocpp1.6", ("KEBA", "", "")).tag_serial


def test_a_mistake_in_an_operators_quirks_names_file_key_and_setting(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[[quirk]]\nid = "own"\ntier = "repair"\nsays = "..."\nboot_frist = true\n')
    with pytest.raises(
        UserError, match=r"own\.toml, quirk 'own': unknown key 'boot_frist': did you mean boot_first\? \(ocpp\.quirks\)"
    ):
        quirks_of(load_settings(None, ocpp={"quirks": path}).ocpp)
