"""python-glanceclient: every command of `glance help` that the service has a route for, each with all its options."""

import sys

import glanceclient
from glanceclient import shell
from keystoneauth1 import session
from keystoneauth1.identity import v3
from transcript import Transcript

t = Transcript(1)
parsers = shell.OpenStackImagesShell()
parsers.get_subcommand_parser(2, [])
for command, parser in parsers.subcommands.items():
    options = {option for option in parser._option_string_actions if option.startswith("--") and option != "--help"}
    t.offered |= {command} | {f"{command} {option}" for option in options}


def main(arguments):
    sys.argv = ["glance", *arguments]
    shell.main()


def glance(line, who="member", site="rich", login=False, more=None, **wanted):
    """One command, with a token and an address at hand, or with a login as after `source openrc`."""
    if not login:
        more = {"OS_AUTH_TOKEN": t.people[who]["token"], "OS_IMAGE_URL": t.sites[site]["url"]} | (more or {})
    words = t.command(main, line, who=who, site=site, more=more, **wanted)
    command = next(word for word in words if word in parsers.subcommands)
    t.used.add(command)
    t.used.update(f"{command} {word.split('=')[0]}" for word in words if word.startswith("--"))


def describe():
    glance("help", shows=["image-create", "member-list"])
    glance("help image-list", shows=["--property-filter"])
    glance("help nothing", fails="not a valid subcommand")
    glance("bash_completion", shows=["image-create"])
    glance("bash-completion", shows=["image-create"])
    for model in ["image", "images", "member", "members", "task", "tasks", "metadefs/namespace"]:
        glance(f"explain {model}", shows=["Attribute"], first=True)
    glance("explain nothing", fails="Unable to find requested model 'nothing'")
    glance("import-info", shows=["import-methods", '"value":[]'], loose=True)
    glance("stores-info", shows=["stores", "near by", "default"])
    glance("stores-info --detail", who="admin", shows=["chunk_size", "weight", "http"],
           known="`chunk_size` of a file store")
    glance("stores-info --detail", fails="403")
    glance("stores-info", site="plain", fails="Multi Backend support is not enabled")
    glance("usage", shows=["image_size_total | 100 | 0", "image_count_total | 50 | 0"])
    glance("usage", site="plain", shows=["Quota"])
    glance("--get-schema image-list", login=True, shows=["ID"])
    glance("image-list", more={"OS_AUTH_TOKEN": "nobody"}, fails="Invalid OpenStack Identity credentials")
    glance("image-list", login=True, more={"OS_PASSWORD": "wrong"}, fails="HTTP 401")


def create():
    glance(
        "image-create --id $one --name one --architecture x86_64 --protected False --instance-uuid $nine"
        " --min-disk 3 --visibility private --kernel-id $eight --ramdisk-id $seven --os-version 12 --os-distro debian"
        " --disk-format raw --container-format bare --min-ram 64 --tags red green --hidden False --property a=b=c"
        " --property 'with blank=two words'",
        shows=["queued", "a | b=c", "with blank | two words", "min_disk | 3", "min_ram | 64", "private"],
    )
    glance("image-create --id $two --name two --owner $service --visibility community", who="admin", shows=["$service"])
    glance(
        "image-create --id $three --name three --file $qcow2 --size $qcow2_size --disk-format qcow2"
        " --container-format bare --store fast",
        fails="--size only when uploading",
    )
    glance(
        "image-create --id $three --name three --file $qcow2 --disk-format qcow2 --container-format bare --store fast"
        " --progress", login=True, terminal=True,
        shows=["100%", "active", "os_hash_value", "$qcow2_sha512", "stores | fast"],
    )
    glance(
        "image-create --id $four --name four --disk-format raw --container-format bare --hidden True",
        typed="$raw", shows=["active", "$raw_sha512", "os_hidden | True"],
    )
    glance("image-create-via-import --id $five --name five --disk-format raw --container-format bare", shows=["queued"])
    glance("image-create --id $six --name six --disk-format qcow2 --container-format bare", shows=["queued"])
    glance("image-create --id $one", login=True, fails="HTTP 409")
    glance("image-create --visibility public", fails="HTTP 403")
    glance("image-create --name refused", who="reader", fails="HTTP 403")
    glance("image-create --owner $other", fails="HTTP 403")
    glance("image-create --disk-format floppy", fails="floppy")
    glance("image-create --min-ram -1", fails="-1")
    glance("image-create --id nonsense", fails="nonsense")
    glance("image-create --property $long=a", fails="HTTP 400")
    glance("--os-image-api-version 2 image-create --name $long", fails="is too long")
    glance("image-create --file $raw", fails="Must provide")
    glance("image-create --file /nowhere --disk-format raw --container-format bare", fails="does not exist")
    glance("image-create --store nowhere --file $raw --disk-format raw --container-format bare", fails="nowhere")
    glance("image-create --name full --disk-format raw", who="stranger", fails="HTTP 413")


def upload_and_download():
    glance("image-download $one", fails="has no data")
    glance("image-upload $one --file $raw --size 1", fails="Size mismatch")
    glance("image-upload $one --file $raw --size $raw_size --store slow --progress", terminal=True, shows=["100%"])
    glance("image-show $one", shows=["active", "$raw_sha512", "stores | slow"])
    glance("image-upload $one --file $raw", fails="HTTP 409")
    glance("image-upload $one --file $raw --store nowhere", fails="nowhere")
    glance("image-upload $two --file $raw", fails="HTTP 403")
    glance("image-upload $nine --file $raw", fails="HTTP 404")
    glance("image-create --id $ten --disk-format qcow2 --container-format bare", shows=["queued"])
    glance("image-upload $ten --file $raw", fails="HTTP 415")
    glance("image-delete $ten")
    glance("image-download $one --file $home/one", login=True)
    glance("image-download $one", shows=["$raw_text"])
    glance("image-download $one", terminal=True, fails="No redirection")
    glance(
        "image-download $three --file $home/three --progress --prefer slow,fast --allow-md5-fallback",
        terminal=True, shows=["100%"],
    )
    glance("image-download $three", login=True, who="stranger", fails="HTTP 404")
    glance("image-download $nine", fails="HTTP 404")


def show_and_update():
    glance("image-show $three --human-readable --max-column-width 200", shows=["active"], hides=["$qcow2_size"])
    glance("image-show $three", who="stranger", fails="HTTP 404")
    glance("image-show $nine", fails="HTTP 404")
    glance("image-show nonsense", fails="HTTP 404")
    glance(
        "image-update $five --name fifth --architecture arm64 --instance-uuid $nine --min-disk 1 --kernel-id $eight"
        " --os-version 13 --disk-format vmdk --os-distro hurd --ramdisk-id $seven --min-ram 2 --container-format ova"
        " --visibility shared --protected True --hidden True --property new=1 --property empty=",
        shows=["fifth", "arm64", "vmdk", "ova", "protected | True", "os_hidden | True", "new | 1"],
    )
    glance(
        "image-update $five --remove-property new --remove-property kernel_id --hidden False --property empty=no",
        shows=["os_hidden | False", "empty | no"], hides=["new | 1"],
    )
    glance("image-update $five --remove-property new", login=True, shows=["fifth"])
    glance("image-update $five --remove-property name", fails="name")
    glance("image-update $five --owner $other", fails="HTTP 403")
    glance("image-update $five --visibility public", fails="HTTP 403")
    glance("image-update $five --visibility nonsense", fails="nonsense")
    glance("image-update $five --name refused", who="reader", fails="HTTP 403")
    glance("image-update $five --name refused", who="stranger", fails="HTTP 404")
    glance("image-update $three --disk-format raw", fails="HTTP 403")
    glance("image-update $two --owner $demo --visibility public", who="admin", shows=["$demo", "public"])
    glance("image-delete $five", fails="You are not permitted to delete")
    glance("image-update $nine --name nobody", fails="HTTP 404")


def tags():
    glance("image-tag-update $three blue", login=True, shows=["blue"])
    glance("image-tag-update $three 'deep blue'", shows=["deep blue"])
    glance("image-tag-update $three 'blue/green'", fails="HTTP 404")
    glance("image-tag-delete $three blue")
    glance("image-tag-delete $three blue", fails="HTTP 404")
    glance("image-tag-update $nine blue", fails="HTTP 404")
    glance("image-tag-update $three refused", who="reader", fails="HTTP 403")
    glance("image-tag-update $three $long", fails="HTTP 400")


def lists():
    everything = ["one", "two", "three", "fifth", "six"]
    glance("image-list", login=True, shows=everything, hides=["four"])
    glance("--verbose image-list", shows=["Container_format", "qcow2", "$demo"])
    glance("image-list --page-size 1", shows=everything)
    glance("image-list --limit 2 --sort name:asc,id:desc", shows=["fifth", "one"], hides=["three"])
    glance("image-list --limit 3 --page-size 2 --sort-key name --sort-dir desc", shows=["two", "three", "six"])
    for key in ["name", "status", "container_format", "disk_format", "size", "id", "created_at"]:
        for direction in ["asc", "desc"]:
            glance(f"image-list --sort-key {key} --sort-dir {direction}", shows=everything)
    glance("image-list --sort-key updated_at --tag red", shows=["one"], hides=["two"])
    glance("image-list --sort-key name --sort-key id --sort-dir asc --sort-dir desc", shows=everything)
    glance("image-list --sort-key name --sort name:asc", fails="not supported with")
    glance("image-list --sort-key name --sort-key id --sort-key size --sort-dir asc --sort-dir desc", fails="sort dir")
    glance("image-list --sort colour", fails="colour")
    glance("image-list --sort name:sideways", fails="sideways")
    glance("image-list --visibility public", shows=["two"], hides=["three"])
    glance("image-list --visibility private", shows=["one"], hides=["three"])
    glance("image-list --visibility all", shows=everything)
    glance("image-list --visibility nonsense", fails="HTTP 400")
    glance("image-list --owner $demo", shows=everything)
    glance("image-list --owner $other", who="admin", hides=everything)
    glance("image-list --checksum $raw_md5", shows=["one"], hides=["three"])
    glance("image-list --hash $qcow2_sha512", shows=["three"], hides=["one"])
    glance("image-list --tag red --tag green", shows=["one"], hides=["three"])
    glance("image-list --tag red --tag blue", hides=everything)
    glance("image-list --hidden", shows=["four"], hides=everything)
    glance("image-list --hidden False", shows=everything)
    glance("image-list --include-stores", shows=["slow", "fast"])
    filters = {
        "name=one": "one", "name=in:one,two": "two", "status=active": "three", "disk_format=in:raw,qcow2": "six",
        "container_format=ova": "fifth", "size_min=1": "one", "size_max=100": "one", "min_disk=3": "one",
        "min_ram_min=64": "one", "protected=true": "fifth", "os_distro=debian": "one", "a=b=c": "one",
        "created_at=gt:2001-01-01": "six", "updated_at=lt:2001-01-01T00:00:00Z": None, "id=$three": "three",
        "os_hash_algo=sha512": "three", "virtual_size_min=1": "three",
    }
    for query, found in filters.items():
        glance(f"image-list --property-filter '{query}'", shows=[found] if found else ["ID"])
    glance("image-list --property-filter created_at=nonsense", fails="HTTP 400")
    glance("image-list --property-filter created_at=near:2001-01-01", fails="HTTP 400")
    glance("image-list --property-filter protected=perhaps", fails="HTTP 400")
    glance("image-list --property-filter nonsense", fails="KEY=VALUE")
    glance("image-list --limit -1", fails="HTTP 400")


def members():
    glance("member-create $three $other", login=True, shows=["$other", "pending"])
    glance("member-create $three $other", fails="HTTP 409")
    glance("member-create $one $other", fails="HTTP 403")
    glance("member-create $nine $other", fails="HTTP 404")
    glance("member-create $three $other", who="reader", fails="HTTP 403")
    glance("member-list --image-id $three", shows=["pending"])
    glance("member-list --image-id $nine", fails="HTTP 404")
    glance("member-get $three $other", shows=["pending"])
    glance("member-get $three $demo", fails="HTTP 404")
    glance("image-list --member-status pending", who="stranger", shows=["three"])
    glance("image-list", who="stranger", hides=["three"])
    glance("image-list --member-status nonsense", fails="HTTP 400")
    glance("member-update $three $other accepted", fails="HTTP 403")
    glance("member-update $three $other perhaps", who="stranger", fails="invalid choice")
    for status in ["rejected", "pending", "accepted"]:
        glance(f"member-update $three $other {status}", who="stranger", shows=[status])
        glance(f"image-list --visibility shared --member-status {status}", who="stranger", shows=["three"])
    glance("image-download $three --file $home/shared", who="stranger")
    glance("member-delete $three $other", who="stranger", fails="HTTP 403")
    glance("member-delete $three $other")
    glance("member-delete $three $other", fails="HTTP 404")
    glance("image-show $three", who="stranger", fails="HTTP 404")


def activity():
    glance("image-deactivate $three", login=True)
    glance("image-show $three", shows=["deactivated"])
    glance("image-download $three", fails="HTTP 403")
    glance("image-deactivate $six", fails="HTTP 403")
    glance("image-deactivate $nine", fails="HTTP 404")
    glance("image-reactivate $three", who="stranger", fails="HTTP 404")
    glance("image-reactivate $three")
    glance("image-reactivate $six", fails="HTTP 403")
    glance("image-show $three", shows=["active"])


def locations():
    made = "image-create --disk-format raw --container-format bare"
    glance(f"{made} --id $seven --name seven", shows=["queued"])
    glance(
        "location-add $seven --url $page --metadata '{\"store\": \"far\"}' --checksum $page_md5 --hash-algo sha512"
        " --hash-value $page_sha512", shows=["active", "$page_sha512", "$page_md5"],
    )
    glance("location-add $seven --url $page --metadata '{\"store\": \"far\"}'", fails="HTTP 400")
    glance("location-add $seven --url $page --metadata nonsense", fails="not a valid JSON")
    glance("location-add $seven --url file:///etc/hostname", fails="HTTP 400")
    glance("location-add $nine --url $page", fails="HTTP 404")
    glance("location-add $seven --url $mirror", shows=["active"])
    glance("location-update $seven --url $mirror --metadata '{\"store\": \"far\", \"speed\": \"slow\"}'",
           shows=["speed"])
    glance("location-update $seven --url http://127.0.0.1:1/ --metadata '{}'", fails="Unknown URL")
    glance("image-download $seven", shows=["data of the web"])
    glance("location-delete $seven --url $mirror", fails="HTTP 403")
    glance("location-delete $seven --url $mirror", who="admin")
    glance("location-delete $seven --url $mirror", who="admin", fails="Unknown URL")
    glance("location-delete $seven --url $page", who="admin", fails="HTTP 403")
    glance("location-add $one --url $page", site="plain", fails="HTTP 404")
    glance(f"{made} --id $eight --name eight", shows=["queued"])
    glance("image-tasks $eight", shows=["Message"])
    digest = "'{\"os_hash_algo\": \"sha512\", \"os_hash_value\": \"$page_sha512\"}'"
    glance(f"add-location $eight --url $page --validation-data {digest}", shows=["eight"], loose=True)
    glance(
        "image-show $eight", shows=["active", "$page_md5", "$page_sha512"], until=True,
        known="`virtual_size` of an image whose location was hashed",
    )
    glance("--verbose image-tasks $eight", shows=["success"], until=True)
    glance("add-location $eight --url $page", fails="HTTP 409")
    glance("add-location $eight --url $page --validation-data '{\"checksum\": \"\"}'", fails="is not allowed")
    glance("add-location $nine --url $page", fails="HTTP 404")
    glance("image-tasks $nine", fails="not found")
    glance("image-tasks $nine", site="plain", fails="does not support image tasks")
    library("get_image_locations", "$eight", who="admin", shows=["$page"])
    library("get_image_locations", "$eight", fails="HTTP 403")


def library(method, *arguments, who="member", **wanted):
    """What the library has and the command line lacks."""
    person = t.people[who]
    login = v3.Password(
        t.auth_url, username=person["name"], password=person["password"], user_domain_name="Default",
        project_name=person["project"], project_domain_name="Default",
    )

    def act():
        client = glanceclient.Client("2", session=session.Session(login), region_name=t.sites["rich"]["region"])
        try:
            return 0, str(getattr(client.images, method)(*(t.words(word)[0] for word in arguments))), ""
        except glanceclient.exc.HTTPException as error:
            return 1, "", str(error)

    t.step(act, f"{who}@rich: Client.images.{method}{arguments}", **wanted)


def delete():
    glance("image-update $five --protected False", shows=["protected | False"])
    glance("image-delete $one $two $nine", fails="No image with an ID of '$nine' exists")
    glance("image-delete $three", who="stranger", fails="No image")
    glance("image-delete $three", who="reader", fails="not permitted")
    glance("image-delete $three $four $five $six $seven $eight")
    glance("image-show $three", fails="HTTP 404")
    glance("image-list --visibility all", hides=["one", "two", "three"])


for part in [
    describe, create, upload_and_download, show_and_update, tags, lists, members, activity, locations, delete,
]:
    part()
t.end()
