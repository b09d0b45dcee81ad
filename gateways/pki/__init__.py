"""Certificates: the CA that signs stations' requests, contract certificates, OCSP. Cryptography runs off the loop.

`issuing.py` makes and signs, `own.py` and `est.py` are two CAs behind one port, `desk.py` is where actors' wishes arrive,
`contracts.py` and `ocsp.py` judge what a driver's vehicle presents.
"""
