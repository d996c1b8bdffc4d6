"""One family of models a file; all pass one battery. A model speaks in margins that split exactly into parts.

The saved form is plain arrays and text (JSON, npz without pickle, safetensors, LightGBM's own text): nothing in it can
run.
"""
