"""The pay pages (`/pay/...`): a driver scans the code on an EVSE, sees the price, pays, charges and gets a receipt.

No account, no script needed, nothing stored in the browser. landing.py is what the code opens, visit.py the page of one payment.
"""

from gateways.web.pay.setup import add_pay as add_pay
