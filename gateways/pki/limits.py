"""Every bound of the certificate desk, by name."""

from datetime import timedelta

THREADS = 2
"""Cryptography at once: it never takes the loop, and not the whole machine either."""
ROOT_LIFE = timedelta(days=20 * 365)
ISSUING_LIFE = timedelta(days=10 * 365)
LEAF_LIFE = timedelta(days=365)
BACKDATED = timedelta(hours=1)
"""A certificate is valid since a little before it was asked for: stations' clocks are behind."""
CONTRACT_SECONDS = 4.0
"""For the judgement of a contract: the vehicle waits 5 s in all, and the answer must be out after 4.5."""
OCSP_SECONDS = 3.0
OCSP_BYTES = 32 * 1024
OCSP_CACHED = 4096
"""Answers of responders that are remembered; the least recently used goes first."""
OCSP_KEPT = timedelta(hours=1)
"""How long an answer without nextUpdate is good."""
OCSP_SKEW = timedelta(minutes=5)
"""A responder's clock may be ahead of ours."""
OCSP_PENDING = 64
"""Questions to responders at once; more are not asked."""
EST_SECONDS = 30.0
EST_BYTES = 64 * 1024
POOL_SECONDS = 4.0
POOL_BYTES = 64 * 1024
