"""When a value is the wanted one."""

import pytest

from actors.model.intents import VariableRef
from actors.model.matching import KnownStation, Match
from actors.model.settings import Setting, can_be_carried, key_of, same_value

BOOLEAN = VariableRef("AuthCtrlr", "LocalAuthorizeOffline")
INTEGER = VariableRef("OCPPCommCtrlr", "HeartbeatInterval")
MEMBERS = VariableRef("SampledDataCtrlr", "TxUpdatedMeasurands")
SEQUENCE = VariableRef("OCPPCommCtrlr", "NetworkConfigurationPriority")
TEXT = VariableRef("SecurityCtrlr", "OrganizationName")
VENDOR = VariableRef("OCPP16", "Thing", key_1_6="Thing")


@pytest.mark.parametrize(
    ("ref", "wanted", "actual", "same"),
    [
        (BOOLEAN, "true", "TRUE", True),
        (BOOLEAN, "true", "false", False),
        (INTEGER, "300", "300.0", True),
        (INTEGER, "300", "0300", True),
        (INTEGER, "300", "5m", False),
        (MEMBERS, "A,B", " b , a", True),
        (MEMBERS, "A,B", "A", False),
        (SEQUENCE, "1,2", "1, 2", True),
        (SEQUENCE, "1,2", "2,1", False),
        (TEXT, "Acme", "ACME", False),
        (TEXT, "Acme", " Acme ", True),
        (TEXT, "7", "7.0", False),
        (VENDOR, "7", "7.0", True),
        (VENDOR, "True", "true", True),
        (VENDOR, "a,b", "a, b", True),
        (VENDOR, "a,b", "b,a", False),
        (VENDOR, "x", None, False),
    ],
)
def test_values_are_compared_as_their_data_type_says(ref: VariableRef, wanted: str, actual: str | None, same: bool) -> None:
    assert same_value(ref, wanted, actual) is same


def test_the_same_place_has_the_same_key_however_it_is_spelt() -> None:
    assert key_of(VariableRef("A", "B", evse=0), "Actual") == key_of(VariableRef("a", "b"), "Actual")
    assert len({key_of(VariableRef("A", "B"), "Target"), key_of(VariableRef("A", "B"), "Actual")}) == 2
    assert len({key_of(VariableRef("A", "B", "1"), "Actual"), key_of(VariableRef("A", "B", None, "1"), "Actual")}) == 2


def test_1_6_carries_what_it_has_a_key_for() -> None:
    assert can_be_carried(Setting(INTEGER, "1"), "ocpp1.6")
    assert can_be_carried(Setting(VENDOR, "1"), "ocpp1.6")
    assert not can_be_carried(Setting(VariableRef("Display", "Theme"), "1"), "ocpp1.6")
    assert not can_be_carried(Setting(INTEGER, "1", "MaxSet"), "ocpp1.6")
    assert can_be_carried(Setting(VariableRef("Display", "Theme"), "1", "MaxSet"), "ocpp2.0.1")


def test_globs_are_read_without_case_and_leave_open_what_they_do_not_say() -> None:
    known = KnownStation("CP-1", "Acme", "AC-22", "1.4.2", "ocpp1.6")
    assert Match().fits(known)
    assert Match(vendor="acme", model="ac-*", firmware="1.4.?").fits(known)
    assert not Match(firmware="1.5*").fits(known)
    assert not Match(protocol="ocpp2*").fits(known)
    assert not Match(vendor="?*").fits(KnownStation("CP-2"))
