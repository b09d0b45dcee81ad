"""Configuration templates, which station has which, and where each setting of a station stands."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from actors.configuration import messages as c
from actors.model.device import is_secret, key_for_variable, value_from_16, variable_for_key
from actors.model.device_keys import VENDOR_COMPONENT
from actors.model.ids import CONFIGURATION, sibling_address, template_address
from actors.model.intents import VariableRef
from actors.model.matching import Match
from actors.model.settings import Setting, key_of
from actors.template import messages as t
from gateways.web import identity
from gateways.web.api.campaign_body import FilterBody
from gateways.web.api.stations import known
from gateways.web.api.types import Identifier
from gateways.web.call import Call, page_of
from gateways.web.problems import FieldError, Problem, wrong_field, wrong_fields, wrong_parameter
from gateways.web.station_views import ComponentRef, VariableName
from gateways.web.table import PAGED, Answer, Items, Route, Scope

TAG = "Configuration"
MOST = 200
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]


class WantedComponent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    instance: Name | None = None
    evse: Annotated[int, msgspec.Meta(ge=0)] | None = None
    connector: Annotated[int, msgspec.Meta(ge=0)] | None = None


class WantedVariable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    instance: Name | None = None


class SettingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In the words of 2.0.1 (`component` and `variable`) or as a `key` of 1.6: either reaches stations of every version that
    has a place for it."""

    value: Annotated[str, msgspec.Meta(max_length=2500)]
    key: Name | None = None
    component: WantedComponent | None = None
    variable: WantedVariable | None = None
    attribute: Literal["Actual", "Target", "MinSet", "MaxSet"] = "Actual"


class TemplateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`enforce`: what differs is set at every boot, or only shown. `match`: stations without a template of their own that fit
    get this one when they boot; of several the first by id."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    settings: Annotated[list[SettingBody], msgspec.Meta(min_length=1, max_length=MOST)]
    enforce: Literal["boot", "report only"] = "boot"
    match: FilterBody | None = None


class SettingView(msgspec.Struct, frozen=True):
    component: ComponentRef
    variable: VariableName
    value: str
    attribute: str
    key: str | None


class TemplateView(msgspec.Struct, frozen=True):
    """`version` counts the changes; `stations`: how many have it."""

    id: str
    name: str
    version: int
    enforce: str
    match: dict[str, Any] | None
    settings: list[SettingView]
    stations: int
    changed_at: datetime


class StationName(msgspec.Struct, frozen=True):
    station: str


class AssignBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    template: Identifier


class ConfiguredView(msgspec.Struct, frozen=True):
    """Where a setting stands: applied, pending, refused (with the station's `status`), reboot_required, drifted, or unknown."""

    component: ComponentRef
    variable: VariableName
    key: str | None
    attribute: str
    wanted: str
    actual: str | None
    state: str
    status: str
    since: datetime | None


class ConfigurationView(msgspec.Struct, frozen=True):
    """`template` null: the station has none. `source`: hand, campaign or match. `state`: that of the setting that is worst off;
    `counts`: settings by their state."""

    template: str | None
    version: int
    enforce: str
    source: str
    state: str
    counts: dict[str, int]
    settings: list[ConfiguredView]


_NONE = ConfigurationView(None, 0, "", "", "none", {}, [])


def _setting(body: SettingBody) -> Setting:
    """A standard key of 1.6 becomes the variable that it stands for, and its value is put into the words of 2.0.1."""
    if body.key is not None:
        ref = variable_for_key(body.key)
        if ref.component == VENDOR_COMPONENT:
            return Setting(ref, body.value, body.attribute)
        return Setting(msgspec.structs.replace(ref, key_1_6=None), value_from_16(body.key, body.value), body.attribute)
    assert body.component is not None, "checked"
    assert body.variable is not None, "checked"
    where, what = body.component, body.variable
    ref = VariableRef(where.name, what.name, where.instance, what.instance, where.evse or None, where.connector)
    return Setting(ref, body.value, body.attribute)


def _wrong(body: TemplateBody) -> Iterator[tuple[str, str]]:
    seen: dict[str, int] = {}
    for n, given in enumerate(body.settings):
        at = f"/settings/{n}"
        if (given.key is None) == (given.component is None and given.variable is None):
            yield at, "give either key, or component and variable"
            continue
        if given.key is None and (given.component is None or given.variable is None):
            yield f"{at}/{'component' if given.component is None else 'variable'}", "component and variable belong together"
            continue
        setting = _setting(given)
        if is_secret(setting.ref):
            yield at, "a template holds no secrets: passwords are set by a command"
        key = key_of(setting.ref, setting.attribute)
        if key in seen:
            yield at, f"it is there already, as /settings/{seen[key]}"
        seen.setdefault(key, n)


async def put_template(call: Call) -> Answer:
    id, body = call.path["template"], call.body
    try:
        msgspec.convert(id, Identifier)
    except msgspec.ValidationError as error:
        raise wrong_parameter("template", str(error)) from None
    wrong = [FieldError(detail, pointer=pointer) for pointer, detail in _wrong(body)]
    if wrong:
        raise wrong_fields(wrong)
    match = body.match
    message = t.Put(
        body.name,
        tuple(_setting(given) for given in body.settings),
        body.enforce,
        call.principal.who,
        Match(match.vendor, match.model, match.firmware, match.protocol) if match is not None else None,
    )
    done = await call.ask(template_address(call.own, id), message)
    return Answer(await _look(call, id), status=201 if done.created else 200)


async def _look(call: Call, id: str) -> TemplateView:
    return _template_view(await call.ask(template_address(call.own, id), t.Look()))


def _template_view(told: dict[str, Any]) -> TemplateView:
    settings = [_setting_view(msgspec.convert(given, Setting)) for given in told["settings"]]
    return msgspec.convert({**told, "settings": settings}, TemplateView, strict=False)


def _setting_view(setting: Setting) -> SettingView:
    ref = setting.ref
    component = ComponentRef(ref.component, ref.component_instance, ref.evse, ref.connector)
    variable = VariableName(ref.variable, ref.variable_instance)
    return SettingView(component, variable, setting.value, setting.attribute, key_for_variable(ref))


async def get_template(call: Call) -> TemplateView:
    return await _look(call, call.path["template"])


async def list_templates(call: Call) -> Items[TemplateView]:
    page = await call.env.queries.book(call.own, "", "template", call.query["limit"], call.query["cursor"])
    return page_of(page, [_template_view(row.body) for row in page.items])


async def delete_template(call: Call) -> Answer:
    await call.ask(template_address(call.own, call.path["template"]), t.Delete(call.principal.who))
    return Answer()


async def list_template_stations(call: Call) -> Items[StationName]:
    limit = call.query["limit"]
    asked = t.LookStations(limit + 1, call.query["cursor"] or "")
    found = await call.ask(template_address(call.own, call.path["template"]), asked)
    return Items([StationName(name) for name in found[:limit]], found[limit - 1] if len(found) > limit else None)


def _keeper(call: Call) -> tuple[str, str, str]:
    return sibling_address(call.own, CONFIGURATION, call.path["station"])


async def assign_template(call: Call) -> Answer:
    await known(call)
    body: AssignBody = call.body
    try:
        await call.ask(template_address(call.own, body.template), t.Look())
    except Problem as problem:
        if problem.slug != "not-found":
            raise
        raise wrong_field("/template", f"there is no template {body.template!r}") from None
    await call.ask(_keeper(call), c.Assign(body.template, call.principal.who))
    return Answer(await _configuration(call))


async def unassign_template(call: Call) -> Answer:
    await known(call)
    await call.ask(_keeper(call), c.Unassign(call.principal.who))
    return Answer()


async def get_configuration(call: Call) -> ConfigurationView:
    await known(call)
    return await _configuration(call)


async def _configuration(call: Call) -> ConfigurationView:
    station = call.path["station"]
    whole = await call.env.queries.book(call.own, station, "configuration_summary", 1, None)
    if not whole.items:
        return _NONE
    page = await call.env.queries.book(call.own, station, "configuration", MOST, None)
    settings = [msgspec.convert(row.body, ConfiguredView, strict=False) for row in page.items]
    return msgspec.convert({**whole.items[0].body, "settings": settings}, ConfigurationView)


async def apply_configuration(call: Call) -> Answer:
    await known(call)
    await call.ask(_keeper(call), c.ApplyNow(call.principal.who))
    return Answer(await _configuration(call), status=202)


_T = "/api/v1/tenants/{tenant}/templates"
_S = "/api/v1/tenants/{tenant}/stations/{station}"
ROUTES = (
    Route(
        method="GET", path=_T, handler=list_templates, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="Configuration templates", answer=Items[TemplateView],
    ),
    Route(
        method="GET", path=_T + "/{template}", handler=get_template, tag=TAG, scope=Scope.TENANT,
        summary="One template", answer=TemplateView,
    ),
    Route(
        method="PUT", path=_T + "/{template}", handler=put_template, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Make or replace a template", description="Stations that have it are brought in step with the new version.",
        body=TemplateBody, answer=TemplateView, other_statuses={201: "It is new"},
    ),
    Route(
        method="DELETE", path=_T + "/{template}", handler=delete_template, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Delete a template", description="Its stations are without one then. What was set stays set.", status=204,
    ),
    Route(
        method="GET", path=_T + "/{template}/stations", handler=list_template_stations, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="Stations that have a template", answer=Items[StationName],
    ),
    Route(
        method="PUT", path=_S + "/template", handler=assign_template, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Give a station its template", body=AssignBody, answer=ConfigurationView,
    ),
    Route(
        method="DELETE", path=_S + "/template", handler=unassign_template, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Take a station's template away", status=204,
    ),
    Route(
        method="GET", path=_S + "/configuration", handler=get_configuration, tag=TAG, scope=Scope.TENANT,
        summary="Where each setting of a station's template stands", answer=ConfigurationView,
    ),
    Route(
        method="POST", path=_S + "/configuration/apply", handler=apply_configuration, tag=TAG, scope=Scope.TENANT,
        right=identity.WRITE, summary="Compare now, and set what differs", status=202, answer=ConfigurationView,
        description="Also what the station has refused, and whatever the template says of enforcing.", problems=("conflict",),
    ),
)  # fmt: skip
