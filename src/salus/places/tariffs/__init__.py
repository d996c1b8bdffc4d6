"""What a place asks for each thing that is done or given: prices with dates, and what the insurers count of them.

Knows prices and dates; must not know of any patient, store or page.
"""

from salus.places.tariffs.prices import Price, Tariff, laid, over
from salus.places.tariffs.reading import shipped, tariff_of

__all__ = ["Price", "Tariff", "laid", "over", "shipped", "tariff_of"]
