"""Virtual charging stations: clients of the outer contract, nothing more.

They know OCPP, a URL and a password, and share no line of decision code with the CSMS, so that a misreading of the protocol
on one side is not repeated on the other. `fleet.py` runs many of them, of mixed versions. What every station has is here:
`station.py` its life, `messenger.py` what leaves it, `link.py` its socket, `physics/` its meter and the car behind it,
`scenario.py` what its driver does, `faults.py` what goes wrong, `updates.py` and `certificates.py` its firmware and its keys.
`v16/`, `v201/` and `soap/` are the versions: what a station remembers, says and answers in each.
"""
