"""Which condition is likely to be present or to come, and what is it: put to models, told as suggestions."""
