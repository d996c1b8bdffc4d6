"""Code 39, the bar code that every scanner of a laboratory reads. https://www.iso.org/standard/43897.html

A letter is five bars and four gaps between them, three of the nine wide; a star begins and ends it.
"""

from markupsafe import Markup

WIDE, NARROW, HEIGHT = 3, 1, 20
QUIET = 10  # narrow bars of nothing at both ends
LETTERS = {
    "0": "000110100", "1": "100100001", "2": "001100001", "3": "101100000", "4": "000110001", "5": "100110000",
    "6": "001110000", "7": "000100101", "8": "100100100", "9": "001100100", "A": "100001001", "B": "001001001",
    "C": "101001000", "D": "000011001", "E": "100011000", "F": "001011000", "G": "000001101", "H": "100001100",
    "I": "001001100", "J": "000011100", "K": "100000011", "L": "001000011", "M": "101000010", "N": "000010011",
    "O": "100010010", "P": "001010010", "Q": "000000111", "R": "100000110", "S": "001000110", "T": "000010110",
    "U": "110000001", "V": "011000001", "W": "111000000", "X": "010010001", "Y": "110010000", "Z": "011010000",
    "-": "010000101", ".": "110000100", "*": "010010100",
}  # fmt: skip


def widths(text: str) -> list[int]:
    """Bars and gaps in turn, beginning with a bar. Raises KeyError for a letter that the code has not.

    >>> sum(widths("A")), widths("A")[:9]
    (47, [1, 3, 1, 1, 3, 1, 3, 1, 1])
    """
    made: list[int] = []
    for letter in f"*{text}*":
        made += [WIDE if one == "1" else NARROW for one in LETTERS[letter]]
        made.append(NARROW)  # the gap to the next letter
    return made[:-1]


def barcode(text: str) -> Markup:
    """The code as SVG; the words beside it say what it says."""
    at, bars = QUIET, []
    for number, width in enumerate(widths(text)):
        if number % 2 == 0:
            bars.append(f"M{at} 0h{width}v{HEIGHT}h-{width}z")
        at += width
    return Markup(
        '<svg class="barcode" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true"><path d="{}"/></svg>'
    ).format(at + QUIET, HEIGHT, "".join(bars))
