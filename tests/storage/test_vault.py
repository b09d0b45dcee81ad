"""The vault: what is sealed opens only where it belongs, and not at all once its keys are gone."""

import os
import stat
import threading
import time
from pathlib import Path

import msgspec
import pytest

from storage.database import Database
from storage.queries import PostgresQueries
from storage.rows import body_of
from storage.vault import KeyFileError, Vault, VaultError, mask
from storage.vault_keys import confirm_key, erase

SECRET = bytes(range(32))


@pytest.fixture
def vault() -> Vault:
    return Vault(SECRET)


def test_what_is_sealed_opens_again(vault: Vault) -> None:
    for plain in ("04A224C2B65980", "", "Grüße, 陳", "x" * 10_000):
        row = vault.seal("acme", "t_1", "token", plain)
        assert vault.open(row) == plain
        assert plain.encode() not in row.cell or not plain


@pytest.mark.parametrize("change", [{"tenant": "other"}, {"ref": "t_2"}, {"kind": "name"}])
def test_a_cell_copied_to_another_place_does_not_open(vault: Vault, change: dict[str, str]) -> None:
    row = vault.seal("acme", "t_1", "token", "04A224C2B65980")
    with pytest.raises(VaultError):
        vault.open(msgspec.structs.replace(row, **change))


def test_places_do_not_run_into_each_other(vault: Vault) -> None:
    row = vault.seal("acme", "b", "ca", "secret")
    with pytest.raises(VaultError):
        vault.open(msgspec.structs.replace(row, ref="ab", kind="c"))


def test_every_single_bit_of_a_cell_and_its_key_counts(vault: Vault) -> None:
    row = vault.seal("acme", "t_1", "token", "04A2")
    for field in ("cell", "key"):
        value = getattr(row, field)
        for n in range(len(value)):
            broken = value[:n] + bytes((value[n] ^ 1,)) + value[n + 1 :]
            with pytest.raises(VaultError):
                vault.open(msgspec.structs.replace(row, **{field: broken}))


def test_the_keys_of_one_row_do_not_open_another(vault: Vault) -> None:
    first, second = vault.seal("acme", "t_1", "token", "one"), vault.seal("acme", "t_1", "token", "two")
    with pytest.raises(VaultError):
        vault.open(msgspec.structs.replace(first, key=second.key))


def test_another_deployment_key_opens_nothing_and_knows_nobody(vault: Vault) -> None:
    other = Vault(bytes(32))
    with pytest.raises(VaultError):
        other.open(vault.seal("acme", "t_1", "token", "04A2"))
    assert other.token("acme", "04A2").ref != vault.token("acme", "04A2").ref
    assert other.check != vault.check


def test_a_token_has_one_reference_however_a_station_spells_it(vault: Vault) -> None:
    refs = {vault.token("acme", uid).ref for uid in ("04a224c2b65980", " 04A224C2B65980 ", "04A224C2B65980")}
    assert len(refs) == 1
    assert refs.pop().startswith("t_")
    assert vault.token("other", "04A224C2B65980").ref != vault.token("acme", "04A224C2B65980").ref


def test_references_stay_what_they_were() -> None:
    """Facts and journals hold references for ever: a changed derivation would make every token a stranger."""
    assert Vault(SECRET).token("acme", "04A224C2B65980").ref == "t_af33cba17aece757c9fa0177"


def test_the_type_of_a_token_is_kept_where_it_is_known(vault: Vault) -> None:
    assert vault.token("acme", "x", "eMAID").type == "eMAID"
    assert vault.token("acme", "x", "central").type == "Central"
    assert vault.token("acme", "x").type == vault.token("acme", "x", "made up").type == "ISO14443"


def test_a_mask_never_shows_a_short_value(vault: Vault) -> None:
    assert vault.token("acme", "04a224c2b65980").masked == "04A2…80"
    assert [mask(value) for value in ("", "1", "12", "123", "1234567")] == ["…", "…", "…", "1…", "1…"]


def test_the_blind_index_finds_equal_values_of_one_kind_and_tenant(vault: Vault) -> None:
    index = vault.seal("acme", "t_1", "email", "Ann@Example.org").blind
    assert index == vault.seal("acme", "t_2", "email", " ann@example.ORG").blind
    assert index != vault.seal("acme", "t_1", "name", "Ann@Example.org").blind
    assert index != vault.seal("other", "t_1", "email", "Ann@Example.org").blind
    assert len(index) == 16


def test_a_key_file_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "vault.key"
    vault = Vault.at(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Vault.at(path).check == vault.check
    assert os.listdir(path.parent) == ["vault.key"]


def test_nodes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    checks: list[bytes] = []
    threads = [threading.Thread(target=lambda: checks.append(Vault.at(tmp_path / "k").check)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(checks) == 8
    assert len(set(checks)) == 1


@pytest.mark.parametrize(("mode", "content"), [(0o644, SECRET), (0o600, SECRET[:31]), (0o600, b"")])
def test_a_key_file_that_others_can_read_or_that_is_cut_short_is_refused(tmp_path: Path, mode: int, content: bytes) -> None:
    path = tmp_path / "vault.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(KeyFileError):
        Vault.at(path)


async def test_an_erased_subject_cannot_be_read_any_more(database: Database, vault: Vault) -> None:
    for ref, plain in (("t_1", "04A2"), ("t_2", "04B3")):
        bodies = [body_of(vault.seal("acme", ref, "token", plain))]
        await database.fetch("SELECT write_vault('{1}', '{1}', $1::json[])", bodies)
    queries = PostgresQueries(database)
    assert [vault.open(row) for row in (await queries.vault_row("acme", "t_1"),) if row] == ["04A2"]
    assert await erase(database, "acme", "t_1")
    assert not await erase(database, "acme", "t_1")
    erased, other = await queries.vault_row("acme", "t_1"), await queries.vault_row("acme", "t_2")
    assert erased is not None
    assert other is not None
    with pytest.raises(VaultError, match="erased"):
        vault.open(erased)
    assert erased.blind == b""
    assert vault.open(other) == "04B3"
    assert await queries.vault_row("other", "t_2") is None


async def test_a_database_refuses_another_key_file(database: Database, vault: Vault) -> None:
    await confirm_key(database, vault)
    await confirm_key(database, vault)
    with pytest.raises(KeyFileError, match="another deployment key"):
        await confirm_key(database, Vault(bytes(32)))


def test_how_fast_it_is(vault: Vault) -> None:
    """Printed, not asserted: the hot path asks for a reference once per Authorize and Start."""
    count = 5_000
    for name, job in (
        ("token", lambda n: vault.token("acme", f"04A224C2{n}")),
        ("seal", lambda n: vault.seal("acme", f"t_{n}", "token", "04A224C2B65980")),
    ):
        started = time.perf_counter()
        for n in range(count):
            job(n)
        print(f"{name}: {(time.perf_counter() - started) / count * 1e6:.1f} us")
