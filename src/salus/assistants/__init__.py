"""Medicine at the bedside: questions put to a deployed model, told as suggestions. Knows no gradients and no pages."""
