"""The payment provider, Stripe: the only room that imports `stripe`.

`desk.py` does what actors wish (outbox topic `psp`), `webhooks.py` takes what the provider tells, `worker.py` fetches what is
true then and tells the actor concerned. No function of this room takes a card's number, declares a payment out of the scope
of strong authentication, or charges a card whose holder is away without a mandate.
"""
