-- Attempts that came to nothing are dropped after some months, the oldest first (storage/upkeep.py).

CREATE INDEX payment_unpaid ON payment (updated_at) WHERE state IN ('expired', 'released') AND captured_minor = 0;
