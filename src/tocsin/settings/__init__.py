"""Settings: `tocsin.toml` and the environment `TOCSIN_*`, each secret also as `…_FILE`."""

from tocsin.settings.in_force import InForce, in_force
from tocsin.settings.load import (
    SettingsError,
    default_data_dir,
    forget_secrets,
    load,
    settings_file,
)
from tocsin.settings.names import NAMED
from tocsin.settings.readers import parse_secret_keys
from tocsin.settings.shapes import (
    GroupRole,
    OpenIdProvider,
    Settings,
    SmtpServer,
    TwilioAccount,
    TwilioUrl,
)

__all__ = [
    "NAMED",
    "GroupRole",
    "InForce",
    "OpenIdProvider",
    "Settings",
    "SettingsError",
    "SmtpServer",
    "TwilioAccount",
    "TwilioUrl",
    "default_data_dir",
    "forget_secrets",
    "in_force",
    "load",
    "parse_secret_keys",
    "settings_file",
]
