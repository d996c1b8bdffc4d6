"""Tells others of changes: topics, who subscribed to them, what happened, and its way out of the house.

Knows the outbox, FHIR's topic-based subscriptions and HTTP; must not know what a change means for anybody's health.
http://hl7.org/fhir/uv/subscriptions-backport/ (R4)
"""
