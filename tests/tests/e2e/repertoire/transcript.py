"""What the drivers of the three clients share: steps one after the other, what is wanted of each, what came of it.

Nothing is judged here. A driver prints one JSON document; the test reads two of them, of ours and of the real Glance.
Ids are given by the drivers, in rising order: so both sides have the same, and lists sort alike within one second.
"""

import io
import json
import logging
import os
import re
import shlex
import string
import sys
import time
from pathlib import Path

LIMIT_SECONDS = 30
BETWEEN_QUESTIONS_SECONDS = 0.1

# What no two runs have in common; room in tables; and the order of tags, of which there is none.
CHANGING = [
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"), "<time>"),
    (re.compile(r"\b(req-)?(?!aaaa)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
    # The SDK takes the digest of a refusal, and the sentence in it is ours.
    (re.compile(r"(?<=!= )[0-9a-f]{32,128}"), "<digest>"),
    (re.compile(r"-{4,}"), "----"),
    (re.compile(r" {2,}"), " "),
    # Where a table folds a long value, a blank may be lost.
    (re.compile(r"([,:]) (?=[\[{\"\w])"), r"\1"),
]
FOLD = re.compile(r" *\|\n\| +\| ")
# Beside their name, or alone in a cell under the head of their column.
TAGS = re.compile(r"([Tt]ags\W+|\| )\[([^\[\]{}]*)\]")


def in_order(found):
    tags = [tag.strip() for tag in found[2].split(",")]
    return f"{found[1]}[{','.join(sorted(tags))}]"


class Console(io.TextIOWrapper):
    """Where a command prints. A progress bar is drawn on a terminal only."""

    def __init__(self, is_terminal=False):
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal

    def text(self):
        return self.buffer.getvalue().decode("utf-8", "replace")


class Keyboard(io.StringIO):
    """Nobody types, but it is no pipe: the clients would take a pipe for the data of an image."""

    def isatty(self):
        return True


class Transcript:
    def __init__(self, number):
        """`number`: which driver it is; an id cannot be given twice to one service."""
        given = json.loads(Path(sys.argv[1]).read_text())
        self.auth_url, self.people, self.sites = given["auth_url"], given["people"], given["sites"]
        self.names, self.hidden = given["names"], given["hidden"]
        ids = enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 1)
        self.names |= {name: f"aaaa{number:04}-0000-4000-8000-{place:012}" for place, name in ids}
        self.offered, self.used, self.steps = set(), set(), []

    def words(self, line):
        """The arguments of a command line; $name is looked up in what the test gave."""
        return [string.Template(word).substitute(self.names) for word in shlex.split(line)]

    def named(self, wanted):
        if isinstance(wanted, str):
            return self.plain(string.Template(wanted).substitute(self.names))
        return [self.named(part) for part in wanted]

    def environment(self, who, site):
        """What an openrc sets."""
        person = self.people[who]
        return {
            "OS_AUTH_URL": self.auth_url,
            "OS_USERNAME": person["name"],
            "OS_PASSWORD": person["password"],
            "OS_PROJECT_NAME": person["project"],
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
            "OS_REGION_NAME": self.sites[site]["region"],
            "OS_IDENTITY_API_VERSION": "3",
        }

    def step(self, act, call, **wanted):
        """Runs `act`, which tells (status, output, errors).

        Of `wanted`: `fails` is a part of the errors, else the step must succeed; `shows` and `hides` are parts of the
        output; `until` repeats the step until it shows what is wanted. Outputs are compared, but of a table only the
        `first` column where the others are prose of the service; and not at all where they are `loose`: prose, or on
        the move. `known` is a part of the row of docs/differences.md that tells why the outputs differ.
        """
        shows, hides, fails = (self.named(wanted.get(key, [])) for key in ("shows", "hides", "fails"))
        # Where a driver hangs, its last words tell at which step.
        print(call, file=sys.__stderr__, flush=True)
        end = time.monotonic() + LIMIT_SECONDS
        while True:
            status, out, err = act()
            out, err = self.plain(out), self.plain(err)
            if not wanted.get("until") or all(part in out for part in shows) or time.monotonic() > end:
                break
            time.sleep(BETWEEN_QUESTIONS_SECONDS)
        if wanted.get("first"):
            out = "\n".join(line.split("|")[1] for line in out.splitlines() if line.startswith("|"))
        self.steps.append({
            "call": call, "status": status, "out": out, "err": err, "shows": shows, "hides": hides,
            "fails": fails or None, "loose": wanted.get("loose", False),
            "known": wanted.get("known"),
        })

    def command(self, main, line, who="member", site="rich", terminal=False, typed=None, more=None, **wanted):
        """One run of a command-line client, with an environment of its own."""
        arguments = self.words(line)

        def act():
            environment = self.environment(who, site) | (more or {})
            old = dict(os.environ), sys.argv, sys.stdin, sys.stdout, sys.stderr
            for key in [key for key in os.environ if key.startswith("OS_")]:
                del os.environ[key]
            os.environ.update(environment)
            sys.stdin = open(string.Template(typed).substitute(self.names)) if typed else Keyboard()
            out, err = Console(terminal), Console()
            sys.stdout, sys.stderr = out, err
            try:
                status = main(arguments) or 0
            except SystemExit as ended:
                status = ended.code or 0
            finally:
                os.environ.clear()
                os.environ.update(old[0])
                sys.argv, sys.stdin, sys.stdout, sys.stderr = old[1:]
                # Each run adds handlers that write to the errors of that run.
                for name in [None, *logging.root.manager.loggerDict]:
                    logging.getLogger(name).handlers.clear()
            return status, out.text(), err.text()

        self.step(act, f"{who}@{site}: {line}", **wanted)
        return arguments

    def plain(self, text):
        text = FOLD.sub("", text)
        for value, shown in self.hidden:
            text = text.replace(value, shown)
        for pattern, shown in CHANGING:
            text = pattern.sub(shown, text)
        return TAGS.sub(in_order, text)

    def end(self):
        document = {"offered": sorted(self.offered), "used": sorted(self.used), "steps": self.steps}
        json.dump(document, sys.__stdout__)
