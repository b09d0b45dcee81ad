-- The nightly audits of the books: who comes first does it, and what it found.

CREATE TABLE books_audit (
    at        timestamptz PRIMARY KEY,
    done_at   timestamptz,
    found     integer,
    findings  json
);

-- Begins one where the last one is older than `due`, or was begun two hours ago and never ended; NULL: it is not due.
CREATE FUNCTION claim_books_audit(due interval) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    begun timestamptz;
BEGIN
    LOCK TABLE books_audit IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM books_audit b WHERE b.at > now() - due AND (b.done_at IS NOT NULL OR b.at > now() - interval '2 hours')) THEN
        RETURN NULL;
    END IF;
    DELETE FROM books_audit b WHERE b.at < now() - interval '400 days';
    INSERT INTO books_audit (at) VALUES (clock_timestamp()) RETURNING at INTO begun;
    RETURN begun;
END $$;
