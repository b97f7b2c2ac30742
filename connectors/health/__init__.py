"""Feeds of the health boards and trusts: HL7 v2 messages (`adt`) and FHIR R4 resources (`fhir`)."""
