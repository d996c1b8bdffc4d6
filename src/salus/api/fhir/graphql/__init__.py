"""FHIR reads by GraphQL. Knows the shapes of R4 and asks the records for what it gives; must not know a store.

https://hl7.org/fhir/R4/graphql.html
"""
