"""How much of what cannot wait is heard, in words that nothing was written for.

Run: python benchmarks/recommend/urgent.py
"""

import tomllib
from pathlib import Path

from salus.assistants.recommend import route

HELD = Path(__file__).with_name("urgent.toml")


def main() -> None:
    said = tomllib.loads(HELD.read_text("utf-8"))
    for kind, texts in said.items():
        told = [route(text) for text in texts]
        ruled, cautioned = (sum(map(bool, some)) for some in ([t.flags for t in told], [t.caution for t in told]))
        print(f"{kind}: of {len(texts)}, {ruled} by a rule, {cautioned} more by the second look")
        heard = kind == "cannot_wait"
        print("   ", "; ".join(t.text for t in told if bool(t.flags or t.caution) != heard))


if __name__ == "__main__":
    main()
