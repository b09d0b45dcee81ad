"""Virtual charging stations: clients of the outer contract, nothing more.

They know OCPP 1.6-J, a URL and a password, and share no line of decision code with the CSMS, so that a misreading of the
protocol on one side is not repeated on the other. `fleet.py` runs many of them, `station.py` is one, `link.py` its socket,
`commands.py` its answers to the central system, `scenario.py` what its driver does, `faults.py` what goes wrong.
"""
