"""python-openstackclient: every `openstack image …` that the service has a route for, each with all its options."""

import argparse
import sys
from importlib.metadata import entry_points

from openstackclient import shell
from osc_lib.clientmanager import ClientCache, ClientManager
from transcript import Transcript

t = Transcript(2)
# Options by their spellings: a command without the ones that every command's table or document has.
spellings = {}


def spellings_of(parser):
    found = {}
    for group in parser._action_groups:
        if "ormatter" in (group.title or ""):
            continue
        for action in group._group_actions:
            if action.option_strings and action.help != argparse.SUPPRESS and action.dest != "help":
                found |= dict.fromkeys(action.option_strings, action.option_strings[-1])
    return found


for entry in entry_points(group="openstack.image.v2"):
    command = entry.name.replace("_", " ")
    spellings[command] = spellings_of(entry.load()(argparse.Namespace(), None).get_parser(command))
    t.offered |= {command} | {f"{command} {option}" for option in spellings[command].values()}


# A login lasts for all commands of one person, as where somebody types `openstack` and then its commands.
logged_in = {}


def openstack(line, who="member", site="rich", **wanted):
    def main(arguments):
        # Kept for the life of a process, which has one person elsewhere.
        for kept in vars(ClientManager).values():
            if isinstance(kept, ClientCache):
                kept._handle = None
        if (who, site) not in logged_in:
            # As arguments: the environment of the first login would count for all that follow in this process.
            login = [f"--{key.lower().replace('_', '-')}={value}" for key, value in t.environment(who, site).items()]
            logged_in[who, site] = shell.OpenStackShell()
            return logged_in[who, site].run([*login, *arguments])
        running = logged_in[who, site]
        running.stdin, running.stdout, running.stderr = sys.stdin, sys.stdout, sys.stderr
        return running.run_subcommand(arguments)

    words = t.command(main, line, who=who, site=site, **wanted)
    given = " ".join(words)
    command = max((name for name in spellings if given == name or given.startswith(f"{name} ")), key=len)
    t.used.add(command)
    t.used.update(f"{command} {spellings[command][word]}" for word in words if word in spellings[command])


def image(line, **wanted):
    openstack(f"image {line}", **wanted)


def describe():
    image("import info", shows=["import-methods"])
    image("stores list", shows=["near by"])
    image("stores list --detail -f json", who="admin", shows=["chunk_size"], known="`chunk_size` of a file store")
    image("stores list --detail", fails="403")
    image("stores list", site="plain", fails="Multi Backend support not enabled")


def create():
    image(
        "create one --id $one --container-format bare --disk-format raw --min-disk 3 --min-ram 64 --file $raw"
        " --size $raw_size --unprotected --private --property a=b=c --property 'with blank=two words' --tag red"
        " --tag green --project demo --project-domain default -f json", who="admin",
        shows=['"status": "active"', "$raw_md5", "$raw_sha512", '"a": "b=c"', '"min_disk": 3', "$demo", "green"],
    )
    image(
        "create two --id $two --file $qcow2 --disk-format qcow2 --progress --protected --public", who="admin",
        terminal=True, shows=["100%", "active", "$qcow2_sha512", "public"],
    )
    image("create three --id $three --community", typed="$raw", shows=["active", "$raw_md5", "community"])
    image("create four --id $four --shared --disk-format vmdk --container-format ova", shows=["queued", "shared"])
    image("create five --id $five --file $raw", shows=["active"])
    image("create six --id $six --import", shows=["queued"])
    image("create seven --id $seven --file $raw --import", fails="does not support the image import method")
    image("delete $seven")
    image("create refused --id $one", fails="409")
    image("create refused --public", fails="403")
    image("create refused", who="reader", fails="403")
    image("create full", who="stranger", fails="413")
    image("create refused --id nonsense", fails="400")
    image("create refused --min-ram -1", fails="400")
    image("create refused --property a=$long --property $long=a", fails="400")
    image("create $long", fails="400")
    image("create refused --tag $long", fails="400")
    image("create refused --disk-format qcow2 --file $raw", fails="415")
    image("create refused --disk-format floppy", fails="invalid choice")
    image("create refused --file /nowhere", fails="is not a valid file")
    image("create refused --size 1", fails="--size requires image data")
    image("create refused --location nowhere", fails="Image v1 option")
    image("create refused --sign-key-path $raw", fails="requires the --file option")
    image("create refused --sign-cert-id $nine --file $raw", fails="must both be specified")


def show():
    image("show one", shows=["$one", "$raw_sha512", "direct_url"])
    image("show one --human-readable", shows=["84"])
    image("show $three -f json", who="stranger", shows=['"community"'])
    image("show $five", who="stranger", fails="No Image found for $five")
    image("show nobody", fails="No Image found for nobody")
    image("show $nine", fails="No Image found for $nine")
    image("create five --id $ten", shows=["queued"])
    image("show five", fails="More than one")
    image("delete $ten")


def save():
    image("save $one --file $home/one --chunk-size 7 --store-preference slow --store-preference fast")
    image("save three", shows=["$raw_text"])
    image("save $four")
    image("save nobody", fails="No Image found for nobody")
    image("save $two --file $home/two", who="reader", fails="checksum mismatch")


def change():
    image(
        "set four --name fourth --min-disk 1 --min-ram 2 --container-format bare --disk-format qcow2 --protected"
        " --private --property new=1 --property old=2 --tag one --tag two --architecture arm64 --instance-id $nine"
        " --kernel-id $eight --os-distro debian --os-version 12 --ramdisk-id $seven --hidden",
    )
    image(
        "show fourth -f json",
        shows=['"min_disk": 1', '"qcow2"', '"protected": true', '"private"', '"new": "1"', '"one"', '"arm64"',
               '"os_hidden": true', '"kernel_id": "$eight"', '"os_version": "12"'],
    )
    image("set fourth --unprotected --shared --unhidden --tag two --tag three")
    image("show $four -f json", shows=['"protected": false', '"shared"', '"three"', '"os_hidden": false'])
    image("unset fourth --property new --property kernel_id --tag one --tag three")
    image("show $four -f json", shows=['"old": "2"', '"two"'], hides=['"new"', "kernel_id", '"one"', '"three"'])
    image("unset $four --property new --tag one", fails="Failed to unset 1 of 1 tags")
    image("unset $four --property new", fails="Failed to unset 1 of 1 properties")
    image("set $four --community")
    image("set $four --public", fails="403")
    image("set $four --project $other", fails="403")
    image("set $three --project service --project-domain default --public", who="admin")
    image("show $three -f json", shows=["$service", '"public"'])
    image("set $three --project demo --community", who="admin")
    image("set $five --disk-format vdi", fails="403")
    image("set $five --min-ram -1", fails="400")
    image("set $five --name $long", fails="400")
    image("set $five --name refused", who="reader", fails="403")
    image("set $five --name refused", who="stranger", fails="No Image found for $five")
    image("set $five --visibility public", fails="Image v1 option")
    image("set nobody --name refused", fails="No Image found for nobody")
    image("set $five --deactivate")
    image("show $five -f json", shows=['"deactivated"'])
    image("save $five --file $home/five", fails="checksum mismatch")
    image("set $five --activate")
    image("show $five -f json", shows=['"active"'])
    # The client does not look at what the service answers.
    image("set $six --deactivate")
    image("set $three --community", who="admin")


def lists():
    everything = ["one", "two", "fourth", "six"]
    image("list", shows=everything)
    image("list --long -f json", shows=["Hash Value", "$qcow2_sha512", '"public"', "$demo"])
    image("list -f csv --sort size:desc,name:asc", shows=everything)
    image("list --public", shows=["two"], hides=["one"])
    image("list --private", shows=["one"], hides=["two"])
    image("list --community", shows=["three", "fourth"], hides=["two"])
    image("list --shared", shows=["six"], hides=["two"])
    image("list --all", shows=[*everything, "three"])
    image("list --property a=b=c", shows=["one"], hides=["two"])
    image("list --name one --status active", shows=["one"], hides=["two"])
    image("list --status queued", shows=["six"], hides=["one"])
    image("list --status nonsense", hides=["one"])
    image("list --project demo --project-domain default", who="admin", shows=["one"], hides=["two"])
    image("list --project $demo", shows=["one"], hides=["two"])
    image("list --tag red --tag green", shows=["one"], hides=["six"])
    image("list --tag red --tag blue", hides=["one"])
    image("list --limit 2 --sort id:asc", hides=["one"])
    image("list --limit 2 --marker $three --sort id:asc", shows=["one", "two"], hides=["six"])
    image("list --marker nobody", fails="No Image found for nobody")
    image("list --max-items 3", shows=["five"])
    image("list --page-size 1", shows=everything)
    image("list --sort nonsense:asc", shows=everything)
    image("set $four --hidden --shared")
    image("list --hidden", shows=["fourth"], hides=["one"])


def members():
    image("add project $four other --project-domain default", who="admin", shows=["pending"])
    image("add project $five $other", shows=["pending"])
    image("add project $five $other", fails="409")
    image("add project $one $other", fails="403")
    image("add project nobody $other", fails="No Image found for nobody")
    image("member list five", shows=["pending"])
    image("member list five --project-domain default", shows=["$other"])
    image("member get $five $other", shows=["pending"])
    image("member get $five $other --project-domain default", who="stranger", shows=["pending"])
    image("member get $five $demo", fails="404")
    image("list --member-status pending", who="stranger", shows=["five"])
    image("list", who="stranger", hides=["five"])
    image("list --member-status perhaps", fails="invalid choice")
    image("set $five --accept", who="stranger")
    image("list --shared --member-status accepted", who="stranger", shows=["five"])
    image("save $five --file $home/shared", who="stranger")
    image("set $five --reject", who="stranger")
    image("list --member-status rejected", who="stranger", shows=["five"])
    image("set $five --project other --pending", who="admin")
    image("list --member-status all", who="stranger", shows=["five"])
    image("set $five --project $other --accept", fails="403")
    image("remove project $five $other", who="stranger", fails="403")
    image("remove project $five $other --project-domain default")
    image("member list $five", hides=["pending"])
    image("show $five", who="stranger", fails="No Image found for $five")


def delete():
    image("delete two", who="admin", fails="Failed to delete 1 of 1")
    image("set two --unprotected", who="admin")
    image("delete $three", who="stranger", fails="Failed to delete 1 of 1")
    image("delete one nobody", fails="Failed to delete 1 of 2")
    image("delete $two", fails="403")
    image("delete $two", who="admin")
    image("delete three $four $five $six")
    image("show one", fails="No Image found for one")


for part in [describe, create, show, save, change, lists, members, delete]:
    part()
t.end()
