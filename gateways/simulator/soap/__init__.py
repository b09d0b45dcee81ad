"""Stations that speak OCPP over SOAP: 1.5, and 1.6-S. They are HTTP clients of the central system, and servers for its commands.

Inside they are 1.6 stations; words.py says what 1.5 calls otherwise or does not know, tables.py in which order a message's
elements are written, envelope.py what stands around them.
"""
