"""Options that several commands share."""

import re
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from config.errors import UserError
from config.logs import set_up_logs
from config.settings import Settings, load_settings

Config = Annotated[Path | None, Parameter(name="--config", help="TOML file with settings (CSMS_CONFIG).")]
Data = Annotated[Path | None, Parameter(name="--data", help="Data directory (CSMS_DATA_DIR).")]
Json = Annotated[bool, Parameter(name="--json", help="Print one JSON object instead of text.")]

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str | None, option: str) -> float | None:
    """`30s`, `2m`, `1h` or a bare number of seconds."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|)", text.strip())
    if match is None or float(match[1]) <= 0:
        raise UserError(f"{option} takes a duration such as 30s, 2m or 1h, got {text!r}")
    return float(match[1]) * _UNITS[match[2]]


def settings_for(config: Path | None, data: Path | None, *, service: bool = False) -> Settings:
    """Settings and logs of a command. One that is no service says little on stderr unless told otherwise."""
    settings = load_settings(config, data_dir=data)
    loud = service or "level" in settings.log.model_fields_set
    set_up_logs(settings.log if loud else settings.log.model_copy(update={"level": "warning"}))
    return settings


def console() -> Console:
    """For people: stdout, plain when it is no terminal."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)
