"""What a helper of an import does: `python -m salus.exchange.helping`, started by helpers.py alone."""

import gc
import os
import sys

import msgspec

from salus.exchange.helpers import Lost, Order, received, send
from salus.records.bodies import Press
from salus.records.sheets import encode, prepared

PATIENT = 10  # https://man7.org/linux/man-pages/man2/getpriority.2.html
SELDOM = 100_000  # things made between two looks for reference cycles


def main() -> None:
    """Work until the pipe is closed."""
    if hasattr(os, "setpriority"):  # somebody may be waiting for a server on this machine
        os.setpriority(os.PRIO_PROCESS, 0, max(PATIENT, os.getpriority(os.PRIO_PROCESS, 0)))
    gc.set_threshold(SELDOM, *gc.get_threshold()[1:])
    press, orders = Press(), msgspec.msgpack.Decoder(Order)
    try:
        while True:
            order = orders.decode(received(sys.stdin.buffer))
            if order.dictionary is not None:
                press.learn(order.form, order.dictionary)
            send(sys.stdout.buffer, encode(prepared(order.items, order.terms, press)))
    except (Lost, BrokenPipeError):
        pass


if __name__ == "__main__":
    main()
