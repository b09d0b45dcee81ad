-- Which wallet's statement tells of a session: asked of every bill by the audit.

CREATE INDEX wallet_line_of_session ON wallet_line (ref, tenant) WHERE kind = 'session';
