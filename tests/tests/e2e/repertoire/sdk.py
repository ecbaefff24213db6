"""openstacksdk: every method of the image proxy and of the cloud layer that the service has a route for."""

import hashlib
import inspect
import io
import json
import types
from pathlib import Path

import openstack
from openstack.cloud._image import ImageCloudMixin
from openstack.image.v2._proxy import Proxy
from openstack.image.v2.image import Image
from openstack.resource import Resource
from requests import Response
from transcript import Transcript

t = Transcript(3)
LAYERS = {"image": Proxy, "cloud": ImageCloudMixin}
# Filters of lists are options as well, though no signature names them.
FILTERS = sorted(set(Image._query_mapping._mapping))

for layer, kind in LAYERS.items():
    for name, method in vars(kind).items():
        if not name.startswith("_") and inspect.isfunction(method):
            named = [parameter.name for parameter in inspect.signature(method).parameters.values()
                     if parameter.name != "self" and parameter.kind != parameter.VAR_KEYWORD]
            t.offered |= {f"{layer}.{name}"} | {f"{layer}.{name} {parameter}" for parameter in named}
t.offered |= {f"image.images {name}" for name in FILTERS}

connections = {}


def connection(who, site):
    if (who, site) not in connections:
        person = t.people[who]
        login = {
            "auth_url": t.auth_url, "username": person["name"], "password": person["password"],
            "project_name": person["project"], "user_domain_name": "Default", "project_domain_name": "Default",
        }
        connections[who, site] = openstack.connect(
            load_yaml_config=False, load_envvars=False, auth=login, region_name=t.sites[site]["region"],
        )
    return connections[who, site]


def plain(result):
    """What came back, as something that prints the same on both sides."""
    if isinstance(result, types.GeneratorType | list | tuple):
        return [plain(item) for item in result]
    if isinstance(result, Resource):
        document = result.to_dict(ignore_none=True)
        # Which cloud it came from.
        document.pop("location", None)
        return document
    if isinstance(result, Response):
        try:
            return {"status": result.status_code, "sha512": hashlib.sha512(result.content).hexdigest()}
        except RuntimeError:
            # The data has been written to where it was wanted.
            return {"status": result.status_code}
    if isinstance(result, bytes):
        return hashlib.sha512(result).hexdigest()
    return result


def call(method, *given, who="member", site="rich", wanted=None, **named):
    """One call of a method; arguments that are texts may hold $names."""
    layer, name = method.split(".")
    wanted = wanted or {}

    def act():
        cloud = connection(who, site)
        target = getattr(cloud if layer == "cloud" else cloud.image, name)
        try:
            result = target(*filled(given), **filled(named))
            return 0, json.dumps(plain(result), sort_keys=True, indent=1, default=str), ""
        except Exception as error:
            return 1, "", f"{type(error).__name__}: {error}"

    function = inspect.unwrap(vars(LAYERS[layer])[name])
    positional = list(inspect.signature(function).parameters)[1:]
    t.used.add(method)
    t.used.update(f"{method} {parameter}" for parameter in [*positional[:len(given)], *named])
    told = [*map(shown, given), *(f"{name}={shown(value)}" for name, value in named.items())]
    t.step(act, f"{who}@{site}: {method}({', '.join(told)})", **wanted)


def shown(value):
    return "…" if callable(value) else repr(value)


def filled(value):
    if isinstance(value, str):
        return t.words(f"'{value}'")[0] if value else value
    if isinstance(value, dict):
        return {key: filled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [filled(item) for item in value]
    return value() if callable(value) else value


def shows(*parts, **more):
    return {"shows": list(parts), **more}


def fails(words):
    return {"fails": words}


def image(name, who="member"):
    """An image as the service has it now, for methods that take one."""
    return lambda: connection(who, "rich").image.get_image(t.names[name])


def describe():
    schemas = ["image", "images", "member", "members", "task", "tasks"]
    of_metadata = ["namespace", "resource_type", "object", "property", "tag"]
    of_metadata += ["namespaces", "resource_types", "objects", "properties", "tags"]
    for name in schemas + [f"metadef_{name}" for name in of_metadata]:
        call(f"image.get_{name}_schema", wanted=shows("properties", loose=True))
    call("image.get_import_info", wanted=shows("import_methods", loose=True))
    call("image.stores", wanted=shows("near by"))
    call("image.stores", who="admin", details=True, wanted=shows("chunk_size", known="`chunk_size` of a file store"))
    call("image.stores", details=True, wanted=fails("ForbiddenException: 403"))
    call("image.stores", site="plain", wanted=fails("NotFoundException: 404"))


def create():
    call(
        "image.create_image", "one", id="$one", filename="$raw", container="elsewhere", disk_format="raw",
        container_format="bare", tags=["red", "green"], disable_vendor_agent=False, meta={"given": "so"}, min_disk=3,
        min_ram=64, validate_checksum=True, wait=True, timeout=60, visibility="private", is_protected=False,
        wanted=shows("$one", '"given": "so"', "elsewhere/one", '"red"'),
    )
    call("image.get_image", "$one", wanted=shows('"active"', "$raw_md5", "$raw_sha512", '"min_disk": 3'))
    call("image.create_image", "one", filename="$raw", validate_checksum=True, wanted=shows("$one"))
    call(
        "image.create_image", "two", id="$two", data=b"0123456789abcdef", size=16, disk_format="raw",
        allow_duplicates=True, md5="4032af8d61035123906e58e067140cc5",
        sha256="9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f",
        validate_checksum=True, wanted=shows("$two"),
    )
    call("image.create_image", "bad sum", data=b"0123", disk_format="raw", md5="0" * 32, validate_checksum=True,
         allow_duplicates=True, wanted=fails("checksum verification failed"))
    call("image.find_image", "bad sum", wanted=shows("null"))
    call("image.create_image", "three", id="$three", disk_format="raw", visibility="community",
         wanted=shows('"queued"', '"community"'))
    call("cloud.create_image", "four", filename="$qcow2", container="elsewhere", disk_format="qcow2", wait=True,
         container_format="bare", disable_vendor_agent=True, timeout=60, tags=["blue"], allow_duplicates=True,
         md5="$qcow2_md5", sha256="", meta={"id": "$four", "protected": True},
         wanted=shows('"active"', "$qcow2_sha512"))
    call("image.create_image", "five", id="$five", owner="$service", visibility="public", who="admin",
         wanted=shows("$service"))
    call("image.create_image", "six", id="$six", disk_format="raw", meta={"is_hidden": True}, wanted=shows("$six"))
    call("image.create_image", "refused", is_hidden=True, wanted=fails("BadRequestException:400"))
    call("image.create_image", "refused", id="$one", allow_duplicates=True, wanted=fails("ConflictException: 409"))
    call("image.create_image", "refused", visibility="public", wanted=fails("ForbiddenException: 403"))
    call("image.create_image", "refused", who="reader", wanted=fails("ForbiddenException: 403"))
    call("image.create_image", "refused", min_ram=-1, wanted=fails("BadRequestException: 400"))
    call("image.create_image", "refused", disk_format="floppy", wanted=fails("BadRequestException: 400"))
    call("image.create_image", "refused", disk_format="qcow2", filename="$raw", wanted=fails("415"))
    call("image.find_image", "refused", wanted=shows("null"))
    call("image.create_image", "full", who="stranger", wanted=fails("413"))
    call("image.create_image", "staged", data=b"0123", use_import=True,
         wanted=fails("does not support the image import"))
    call("cloud.delete_image", "staged", wanted=shows("true"))
    call("image.upload_image", name="seven", id="$seven", container_format="bare", disk_format="raw", data=b"seven",
         size=5, wanted=shows("$seven"))
    call("image.upload_image", name="refused", wanted=fails("Both container_format and disk_format"))
    call("image.get_image", "$seven", wanted=shows('"active"'))


def show():
    call("image.find_image", "one", wanted=shows("$one"))
    call("image.find_image", "six", wanted=shows("$six"))
    call("image.find_image", "nobody", wanted=shows("null"))
    call("image.find_image", "nobody", ignore_missing=False, wanted=fails("NotFoundException"))
    call("image.find_image", "ubuntu 22.04/x", wanted=shows("null"))
    call("image.get_image", "$nine", wanted=fails("No Image found for $nine"))
    call("image.get_image", "$one", who="stranger", wanted=fails("No Image found for $one"))
    call("cloud.get_image", "one", wanted=shows("$one"))
    call("cloud.get_image", "one", filters={"status": "active"}, wanted=shows("$one"))
    call("cloud.get_image", "nobody", wanted=shows("null"))
    call("cloud.get_image_by_id", "$one", wanted=shows("$one"))
    call("cloud.get_image_exclude", "one", "two", wanted=shows("$one"))
    call("cloud.get_image_name", "$one", exclude="two", wanted=shows('"one"'))
    call("cloud.get_image_id", "one", exclude="two", wanted=shows("$one"))
    call("cloud.wait_for_image", image("one"), timeout=60, wanted=shows("$one"))
    call("image.wait_for_status", image("one"), "active", failures=["killed"], interval=0.1, wait=60,
         attribute="status", callback=lambda: print, wanted=shows("$one"))


def download():
    call("image.download_image", "$one", wanted=shows("$raw_sha512"))
    call("image.download_image", "$one", stream=True, chunk_size=7, store_preferences=["slow", "fast"],
         wanted=shows("$raw_sha512"))
    call("image.download_image", "$four", output="$home/four", wanted=shows("200"))
    call("image.download_image", "$three", wanted=shows(""))
    call("image.download_image", "$nine", wanted=fails("NotFoundException: 404"))
    # Without a digest to compare, the client hands out the refusal.
    call("image.download_image", "$five", who="reader", wanted=shows("403", loose=True))
    call("cloud.download_image", "one", output_path="$home/one", chunk_size=7, stream=True, wanted=shows("200"))
    call("cloud.download_image", "four", output_file=io.BytesIO, wanted=shows("200"))
    call("cloud.download_image", "one", wanted=fails("No output specified"))
    call("cloud.download_image", "nobody", output_path="$home/nobody", wanted=fails("NotFoundException"))
    for name, digest in [("one", "raw_sha512"), ("four", "qcow2_sha512")]:
        saved = Path(t.names["home"]) / name
        found = hashlib.sha512(saved.read_bytes()).hexdigest()
        t.step(lambda found=found: (0, found, ""), f"what was saved of {name}", **shows(f"${digest}"))


def update():
    call("image.update_image", "$two", name="second", min_disk=1, min_ram=2, is_protected=True, is_hidden=True,
         visibility="private", tags=["one", "two"], os_distro="debian", architecture="arm64", new="1",
         wanted=shows('"second"', '"arm64"', '"is_hidden": true', '"new": "1"', '"private"'))
    call("image.update_image", image("two"), is_protected=False, is_hidden=False, visibility="shared", name="two",
         wanted=shows('"is_protected": false', '"two"'))
    call("image.update_image", "$one", disk_format="vdi", wanted=fails("ForbiddenException: 403"))
    call("image.update_image", "$one", min_ram=-1, wanted=fails("BadRequestException: 400"))
    call("image.update_image", "$one", name="refused", who="reader", wanted=fails("ForbiddenException: 403"))
    call("image.update_image", "$nine", name="nobody", wanted=fails("NotFoundException: 404"))
    call("image.update_image_properties", image("two"), meta={"given": "so"}, more="2", wanted=shows("true"))
    call("cloud.update_image_properties", image=image("two"), meta={"given": "thus"}, kernel="one",
         wanted=shows("true"))
    call("cloud.update_image_properties", name_or_id=image("two"), more="3", wanted=shows("true"))
    call("image.get_image", "$two", wanted=shows('"given": "thus"', '"more": "3"', '"kernel_id": "$one"'))
    call("image.add_tag", "$two", "deep blue", wanted=shows("null"))
    call("image.remove_tag", "$two", "one", wanted=shows("null"))
    call("image.remove_tag", "$two", "one", wanted=fails("NotFoundException: 404"))
    call("image.add_tag", "$nine", "one", wanted=fails("NotFoundException: 404"))
    call("image.add_tag", "$two", "$long", wanted=fails("BadRequestException: 400"))
    call("image.get_image", "$two", wanted=shows('"deep blue"', '"two"'))
    call("image.deactivate_image", "$two", wanted=shows("null"))
    call("image.download_image", "$two", wanted=fails("checksum mismatch"))
    call("image.reactivate_image", "$two", wanted=shows("null"))
    # The client does not look at what the service answers.
    call("image.deactivate_image", "$three", wanted=shows("null"))
    call("image.reactivate_image", "$nine", wanted=shows("null"))


def lists():
    seen = ["$one", "$two", "$three", "$four", "$five", "$seven"]
    call("image.images", wanted=shows(*seen, hides=["$six"]))
    call("image.images", limit=1, wanted=shows(*seen))
    call("image.images", limit=2, marker="$three", paginated=False, wanted=shows("$two", "$one", hides=["$four"]))
    found = {
        "id": "$one", "name": "one", "visibility": "community", "member_status": "all", "owner": "$demo",
        "status": "queued", "size_min": 80, "size_max": 90, "protected": "true", "is_hidden": True, "tag": ["red"],
        "sort": "name:asc,id:desc", "created_at": "gt:2001-01-01", "updated_at": "gt:2001-01-01", "limit": 3,
    }
    for key, value in found.items():
        call("image.images", **{key: value}, wanted=shows('"id"'))
    call("image.images", sort_key="name", sort_dir="asc", wanted=shows(*seen))
    call("image.images", marker="$two", wanted=shows("$one", hides=["$three"]))
    call("image.images", marker="$nine", wanted=fails("BadRequestException: 400"))
    call("image.images", created_at="lt:2001-01-01", wanted=shows("[]"))
    call("image.images", tag=["red", "blue"], wanted=shows("[]"))
    call("image.images", os_distro="debian", wanted=shows("$two", hides=["$three"]))
    for key, value in {"visibility": "nonsense", "limit": -1, "sort": "colour", "created_at": "never"}.items():
        call("image.images", **{key: value}, wanted=fails("BadRequestException: 400"))
    call("cloud.list_images", wanted=shows(*seen))
    call("cloud.list_images", filter_deleted=False, show_all=True, wanted=shows(*seen))
    call("cloud.search_images", "o*", wanted=shows("$one", hides=["$two"]))
    call("cloud.search_images", name_or_id="two", filters={"status": "active"}, wanted=shows("$two"))


def members():
    call("image.add_member", "$four", member_id="$other", wanted=shows('"pending"'))
    call("image.add_member", "$four", member_id="$other", wanted=fails("ConflictException: 409"))
    call("image.add_member", "$one", member_id="$other", wanted=fails("ForbiddenException: 403"))
    call("image.add_member", "$nine", member_id="$other", wanted=fails("NotFoundException: 404"))
    call("image.members", "$four", wanted=shows("$other"))
    call("image.get_member", "$other", "$four", wanted=shows('"pending"'))
    call("image.get_member", member="$demo", image="$four", wanted=fails("No Member found"))
    call("image.find_member", "$other", "$four", wanted=shows('"pending"'))
    call("image.find_member", "$demo", "$four", ignore_missing=False, wanted=fails("NotFoundException"))
    call("image.images", member_status="pending", who="stranger", wanted=shows("$four"))
    call("image.update_member", "$other", "$four", status="accepted", wanted=fails("ForbiddenException: 403"))
    for status in ["rejected", "pending", "accepted"]:
        call("image.update_member", "$other", "$four", status=status, who="stranger", wanted=shows(f'"{status}"'))
    call("image.update_member", "$other", "$four", status="perhaps", who="stranger", wanted=fails("400"))
    call("image.download_image", "$four", who="stranger", wanted=shows("$qcow2_sha512"))
    call("image.remove_member", "$other", "$four", wanted=shows("null"))
    call("image.remove_member", "$other", "$four", ignore_missing=False, wanted=fails("NotFoundException"))


def locations():
    digest = {"os_hash_algo": "sha512", "os_hash_value": "$page_sha512"}
    call("image.add_image_location", "$three", "$page", validation_data=digest, wanted=shows("$page"))
    call("image.get_image", "$three", wanted=shows(
        '"active"', "$page_md5", "$page_sha512", until=True,
        known="`virtual_size` of an image whose location was hashed",
    ))
    call("image.image_tasks", "$three", wanted=shows('"success"', until=True))
    call("image.image_tasks", "$nine", wanted=fails("NotFoundException: 404"))
    call("image.image_locations", "$three", who="admin", wanted=shows("$page"))
    call("image.image_locations", "$three", wanted=fails("ForbiddenException: 403"))
    call("image.add_image_location", "$three", "$page", wanted=fails("ConflictException: 409"))
    call("image.add_image_location", "$nine", "$page", wanted=fails("NotFoundException: 404"))
    call("image.add_image_location", "$six", "file:///etc/hostname", wanted=fails("ForbiddenException: 403"))
    call("image.download_image", "$three", wanted=shows("$page_sha512"))


def delete():
    call("image.delete_image", "$four", wanted=fails("ForbiddenException: 403"))
    call("image.update_image", "$four", is_protected=False, wanted=shows("$four"))
    call("image.delete_image", "$five", wanted=fails("ForbiddenException: 403"))
    call("image.delete_image", "$one", ignore_missing=False, wanted=shows("null"))
    call("image.delete_image", "$one", wanted=shows("null"))
    call("image.delete_image", "$one", ignore_missing=False, wanted=fails("NotFoundException"))
    call("cloud.delete_image", "two", wait=True, timeout=60, delete_objects=True, wanted=shows("true"))
    call("image.wait_for_delete", lambda: Image.existing(id=t.names["two"]), interval=0.1, wait=60,
         callback=lambda: print, wanted=shows("$two"))
    call("cloud.delete_image", name_or_id="two", wanted=shows("false"))
    call("image.delete_image", "$five", who="admin", wanted=shows("null"))
    for name in ["three", "four", "six", "seven"]:
        call("image.delete_image", f"${name}", wanted=shows("null"))
    call("image.images", wanted=shows("[]"))


for part in [describe, create, show, download, update, lists, members, locations, delete]:
    part()
t.end()
