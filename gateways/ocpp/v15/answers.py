"""A canonical result in 1.5 words, for a caller who commanded in them: that of 1.6 with what differs (PROTOCOLS 1.3)."""

from typing import Any

from actors.model.intents import CommandResult
from gateways.ocpp.mapping.answers import TO_1_5
from gateways.ocpp.mapping.commands_v15 import older
from gateways.ocpp.v16 import answers


def write_answer(action: str, result: CommandResult) -> dict[str, Any]:
    answer = answers.write_answer(action, result)
    words = TO_1_5.get(action, {})
    if answer.get("status") in words:
        return answer | {"status": words[answer["status"]]}
    if action == "GetConfiguration":
        known = [entry | {"key": older(entry["key"])} for entry in answer.get("configurationKey", ())]
        unknown = [older(key) for key in answer.get("unknownKey", ())]
        return ({"configurationKey": known} if known else {}) | ({"unknownKey": unknown} if unknown else {})
    return answer
