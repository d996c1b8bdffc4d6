"""A hundred people, so many of them marked: a risk that can be counted. The words beside it say the same."""

from markupsafe import Markup, escape

ACROSS, STEP = 10, 20


def hundred(share: float, name: str, good: bool = False) -> Markup:
    """Ten rows of ten people, the share of one marked from the top left; `good`: what is marked is wished for.

    >>> str(hundred(0.03, "3 of 100")).count('class="person marked"')
    1
    """
    count = min(max(round(100 * share), 0), 100)
    marked = f' class="person marked{" good" if good else ""}"'
    return Markup(
        f'<svg class="chart people" role="img" aria-label="{escape(name)}" viewBox="0 0 200 200">'
        + drawn(range(count), marked)
        + drawn(range(count, 100), ' class="person"')
        + "</svg>"
    )


def drawn(places: range, marks: str) -> str:
    """Heads and bodies, each as one path of round strokes."""
    if not places:
        return ""
    at = [(STEP * (place % ACROSS) + 10, STEP * (place // ACROSS) + 5) for place in places]
    heads, bodies = "".join(f"M{x} {y}h0" for x, y in at), "".join(f"M{x} {y + 7}v2" for x, y in at)
    return f'<g{marks}><path stroke-width="6" d="{heads}"/><path stroke-width="9" d="{bodies}"/></g>'
