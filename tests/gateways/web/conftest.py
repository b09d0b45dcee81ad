"""The pages and the API are tested with patience (tests/kits/patience.py)."""

from tests.kits.patience import patient_pages

__all__ = ["patient_pages"]
