"""Prints so many digits of pi, which is work for Python's large integers alone: `pi DIGITS`."""

import sys
from collections.abc import Iterator

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import environment


def digits() -> Iterator[int]:
    """The digits of pi, one after the other, for ever. Source: Gibbons, Unbounded Spigot Algorithms
    for the Digits of Pi, 2006."""
    q, r, t, k, n, l = 1, 0, 1, 1, 3, 3
    while True:
        if 4 * q + r - t < n * t:
            yield n
            q, r, n = 10 * q, 10 * (r - n * t), 10 * (3 * q + r) // t - 10 * n
        else:
            q, r, t, n, k, l = (
                q * k, (2 * q + r) * l, t * l, (q * (7 * k + 2) + r * l) // (t * l), k + 1, l + 2
            )


class Run(exports.Run):
    def run(self) -> None:
        arguments = environment.get_arguments()[1:]
        if len(arguments) != 1 or not arguments[0].isdecimal():
            print(f"pi: got {arguments}, but one number is allowed: pi DIGITS", file=sys.stderr)
            raise Err(None)
        for _, digit in zip(range(int(arguments[0])), digits()):
            print(digit, end="", flush=True)
        print()
