"""The settings file: read by everybody, overridden by the environment, and every fault named."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from tocsin.model import Secret
from tocsin.settings import Settings, SettingsError, in_force, load
from tocsin.settings.in_force import HIDDEN


def written(folder: Path, text: str, name: str = "tocsin.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(environ)
    return refused.value.faults


def test_it_lies_in_the_data_folder_and_the_environment_wins(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'port = 9000\npublic_url = "https://alerts.example.com/"\n'
        'outbound_allow = ["10.0.0.0/8", "192.168.1.0/24"]\nsns_confirm = true\n'
        'database_url = "postgresql://tocsin@db/tocsin"\nsecret_key_file = "key"\n',
    )
    key = written(tmp_path, "A" * 43 + "=", "key")
    path.write_text(path.read_text().replace('"key"', f'"{key}"'))
    environ = {"TOCSIN_DATA_DIR": str(tmp_path), "TOCSIN_PORT": "9001"}

    settings = load(environ)

    assert settings.port == 9001
    assert settings.public_url == "https://alerts.example.com"
    assert len(settings.outbound_allow) == 2
    assert settings.sns_confirm == "yes"
    assert settings.secret_keys[0].reveal_text() == "A" * 43 + "="
    shown = {each.name: each for each in in_force(settings)}
    assert shown["TOCSIN_PORT"].origin == "TOCSIN_PORT"
    assert shown["TOCSIN_PUBLIC_URL"].origin == f"{path}: public_url"
    assert (shown["TOCSIN_DATABASE_URL"].value, shown["TOCSIN_SECRET_KEY"].value) == (
        HIDDEN,
        HIDDEN,
    )
    assert shown["TOCSIN_SECRET_KEY"].origin == f"{path}: secret_key_file"
    assert shown["TOCSIN_HOST"] == type(shown["TOCSIN_HOST"])("TOCSIN_HOST", "127.0.0.1", None)
    assert shown["TOCSIN_SMTP_URL"].value is None


def test_one_that_is_named_may_lie_elsewhere_and_say_where_the_data_is(tmp_path: Path) -> None:
    path = written(tmp_path, f'data_dir = "{tmp_path}/data"\n', "other.toml")
    assert load({"TOCSIN_CONFIG": str(path)}).data_dir == tmp_path / "data"
    (fault,) = faults({"TOCSIN_CONFIG": str(tmp_path / "none.toml")})
    assert "No such file" in fault


def test_every_fault_is_named_with_its_place(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'port = 70000\nprot = 1\ndata_dir = "/elsewhere"\nsmtp_url = {host = "a"}\n'
        'database_url = "mysql://root:s3cret@db"\nTOCSIN_HOST = "::"\n',
    )
    found = faults({"TOCSIN_DATA_DIR": str(tmp_path), "TOCSIN_RETENTION_DAYS": "0"})
    text = "\n".join(found)
    assert f"{path}: port must be from 0 to 65535, not 70000" in text
    assert f"{path}: prot: is not a setting of Tocsin; did you mean port?" in text
    assert f"{path}: data_dir: says where this file is looked for" in text
    assert f"{path}: smtp_url: must be text" in text
    assert f"{path}: database_url must start with postgresql://" in text
    assert "TOCSIN_HOST: is not a setting of Tocsin; did you mean host?" in text
    assert "TOCSIN_RETENTION_DAYS must be from 1 to 36500, not 0" in text
    assert len(found) == 7
    assert "s3cret" not in text


@pytest.mark.parametrize("text", ["port = \n", "port = 1\nport = 2\n", "\x00"])
def test_what_is_not_toml_is_said(tmp_path: Path, text: str) -> None:
    written(tmp_path, text)
    (fault,) = faults({"TOCSIN_DATA_DIR": str(tmp_path)})
    assert "is not TOML" in fault


def test_a_secret_stands_once(tmp_path: Path) -> None:
    path = written(tmp_path, 'smtp_url = "smtp://a"\nsmtp_url_file = "/b"\n')
    (fault,) = faults({"TOCSIN_DATA_DIR": str(tmp_path)})
    assert fault == f"{path}: smtp_url and smtp_url_file are both set; keep one"


def test_what_a_program_set_itself_is_hidden_too(tmp_path: Path) -> None:
    """As the demo does: given by nobody, and as secret."""
    networks = (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"))
    url = Secret("https://hc.example.com/very-secret")
    settings = Settings(data_dir=tmp_path, heartbeat_url=url, outbound_allow=networks)
    shown = {each.name: each.value for each in in_force(settings)}
    assert shown["TOCSIN_HEARTBEAT_URL"] == HIDDEN
    assert shown["TOCSIN_OUTBOUND_ALLOW"] == "10.0.0.0/8, 127.0.0.1/32"
    assert shown["TOCSIN_SMTP_URL"] is None
