"""Medicines by their active ingredients: which there are, what they are called, to which classes they belong.

Knows names, codes and classes; must not know what is dangerous, nor any patient.
"""

from salus.codes.drugs.ingredients import CLASSES, HERBS, INGREDIENTS, DrugClass, Ingredient, by_code, in_class
from salus.codes.drugs.reading import Named, ingredients_in

__all__ = [
    "CLASSES",
    "HERBS",
    "INGREDIENTS",
    "DrugClass",
    "Ingredient",
    "Named",
    "by_code",
    "in_class",
    "ingredients_in",
]
