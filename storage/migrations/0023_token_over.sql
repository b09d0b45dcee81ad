-- One-time tokens of card payments are a card in every node's memory: those that are past their time are found by it
-- (storage/upkeep.py).

CREATE INDEX token_of_attempt ON token (expires) WHERE payment LIKE 'attempt:%';
