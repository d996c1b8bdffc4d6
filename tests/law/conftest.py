"""What the laws share: `spoken` reads what the source says."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
