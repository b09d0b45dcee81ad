-- Attempts that wait for the payment provider, in an order in which a sweep can walk them (storage/payments.py).

CREATE INDEX payment_silent ON payment (id, tenant)
    WHERE state IN ('quoted', 'checkout_open', 'capturing', 'capture_uncertain', 'releasing', 'proof_refused', 'start_failed');
