"""Drops files on a window the way a file browser does: the source side of the XDND protocol, version 5.

    xdnd_drop.py TITLE FILE...

The pointer is neither moved nor grabbed: the target only sees the messages. Prints "accepted", "served" and "finished"
as the target gets there; exits 1 with a sentence when it does not.
"""

import select
import sys
import time
from pathlib import Path
from urllib.parse import quote

from Xlib import X, display
from Xlib.protocol import event

LIMIT_SECONDS = 60


def title_of(window, atoms):
    for name, kind in (("_NET_WM_NAME", atoms("UTF8_STRING")), ("WM_NAME", X.AnyPropertyType)):
        found = window.get_full_property(atoms(name), kind)
        if found is not None:
            value = found.value
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return ""


def find_target(root, title, atoms):
    """The first window below root whose title contains `title` and that takes drops."""
    waiting = [root]
    while waiting:
        window = waiting.pop()
        if title in title_of(window, atoms) and window.get_full_property(atoms("XdndAware"), X.AnyPropertyType):
            return window
        waiting.extend(window.query_tree().children)
    return None


class Drag:
    def __init__(self, screen, target, payload):
        self.screen, self.target, self.payload = screen, target, payload
        self.atoms = screen.intern_atom
        self.source = screen.screen().root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        self.source.set_selection_owner(self.atoms("XdndSelection"), X.CurrentTime)

    def tell(self, message, data):
        """Sends one client message; the source's window is always its first word."""
        words = [self.source.id, *data]
        body = (32, words + [0] * (5 - len(words)))
        told = event.ClientMessage(window=self.target, client_type=self.atoms(message), data=body)
        self.target.send_event(told, event_mask=0)
        self.screen.flush()

    def wait_for(self, message):
        """Serves requests for the data until the target sends `message`; returns its words."""
        end = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < end:
            if not self.screen.pending_events():
                select.select([self.screen], [], [], end - time.monotonic())
                continue
            received = self.screen.next_event()
            if received.type == X.SelectionRequest:
                self.serve(received)
            elif received.type == X.ClientMessage and received.client_type == self.atoms(message):
                return received.data[1]
        sys.exit(f"the window sent no {message} within {LIMIT_SECONDS} seconds")

    def serve(self, request):
        request.requestor.change_property(request.property, request.target, 8, self.payload)
        answer = event.SelectionNotify(
            time=request.time,
            requestor=request.requestor,
            selection=request.selection,
            target=request.target,
            property=request.property,
        )
        request.requestor.send_event(answer, event_mask=0)
        self.screen.flush()
        print("served", flush=True)

    def run(self):
        place = self.target.get_geometry()
        middle = self.target.translate_coords(self.screen.screen().root, 0, 0)
        # translate_coords answers the root's origin as the window sees it: turn the sign.
        x, y = place.width // 2 - middle.x, place.height // 2 - middle.y
        copy = self.atoms("XdndActionCopy")
        self.tell("XdndEnter", [5 << 24, self.atoms("text/uri-list")])
        self.tell("XdndPosition", [0, (x << 16) | y, X.CurrentTime, copy])
        if not self.wait_for("XdndStatus")[1] & 1:
            sys.exit("the window does not accept files")
        print("accepted", flush=True)
        self.tell("XdndDrop", [0, X.CurrentTime])
        self.wait_for("XdndFinished")
        print("finished", flush=True)


def main():
    title, files = sys.argv[1], sys.argv[2:]
    screen = display.Display()
    target = find_target(screen.screen().root, title, screen.intern_atom)
    if target is None:
        sys.exit(f"no window that takes drops has {title!r} in its title")
    lines = [f"file://{quote(str(Path(file).resolve()))}\r\n" for file in files]
    Drag(screen, target, "".join(lines).encode("ascii")).run()


if __name__ == "__main__":
    main()
