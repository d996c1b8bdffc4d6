"""The treatment assistant: what is safe, what guidelines offer, what benefit can be expected; never one score.

Knows medicine; must not know how a model is fitted, nor any page.
"""
