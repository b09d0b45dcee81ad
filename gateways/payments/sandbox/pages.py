"""The pages a person sees, as plain HTML: no script, no image, nothing from elsewhere."""

from html import escape

from gateways.payments.sandbox.amounts import THREE
from gateways.payments.sandbox.cards import CARDS
from gateways.payments.sandbox.errors import Obj

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;color:#1a1f36}"
    "h1{font-size:1.4rem}label{display:block;margin:.8rem 0 .2rem}"
    "input,select{font:inherit;padding:.5rem;width:100%;box-sizing:border-box;border:1px solid #8792a2;border-radius:4px}"
    "button{font:inherit;padding:.6rem 1rem;margin:.8rem .4rem 0 0;border:0;border-radius:4px;background:#0a2540;color:#fff}"
    ".error{border-left:4px solid #c0123c;padding:.4rem .8rem;background:#fdf0f3}.test{color:#533afd;font-weight:600}"
)


def _page(title: str, body: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f'<p class="test">Test page: no money moves here.</p><h1>{escape(title)}</h1>{body}</main></body></html>'
    ).encode()


def amount(minor: int, currency: str) -> str:
    decimals = 0 if currency in ("jpy", "krw", "clp") else 3 if currency in THREE else 2
    return f"{minor / 10**decimals:.{decimals}f} {currency.upper()}"


def _error(text: str | None) -> str:
    return f'<p class="error" role="alert">{escape(text)}</p>' if text else ""


def checkout(session: Obj, merchant: str, error: str | None = None) -> bytes:
    asked = not session["customer_email"] and not session["customer"]
    email = '<label for="email">E-mail</label><input id="email" name="email" type="email" autocomplete="email">' if asked else ""
    options = "".join(
        f'<option value="{card.number}">{card.number} {escape(card.name)}</option>' for card in CARDS if card.wallet is None
    )
    lines = "".join(
        f"<li>{escape(line['description'])}: {amount(line['amount_total'], line['currency'])}</li>" for line in session["_lines"]
    )
    back = (
        f'<p><a id="cancel" href="{escape(session["cancel_url"])}">Back to the merchant</a></p>' if session["cancel_url"] else ""
    )
    held = session["_wanted"]["capture_method"] == "manual"
    total = amount(session["amount_total"], session["currency"])
    body = (
        f'<p>{escape(merchant)}</p><ul>{lines}</ul>{_error(error)}<form method="post">{email}'
        '<label for="card">Card number</label><input id="card" name="card" inputmode="numeric" autocomplete="cc-number"'
        f' list="cards"><datalist id="cards">{options}</datalist>'
        '<label for="expiry">Expiry (MM/YY)</label><input id="expiry" name="expiry" value="12/34" autocomplete="cc-exp">'
        '<label for="cvc">Security code</label><input id="cvc" name="cvc" value="123" autocomplete="cc-csc">'
        f'<button id="pay">{"Reserve" if held else "Pay"} {total}</button><p>or with a wallet on this device:</p>'
        '<button id="apple_pay" name="wallet" value="apple_pay">Apple Pay</button>'
        '<button id="google_pay" name="wallet" value="google_pay">Google Pay</button>'
        '<button id="google_pay_pan" name="wallet" value="google_pay_pan">Google Pay (card number)</button></form>'
        f"{back}"
    )
    return _page(f"{'Reserve' if held else 'Pay'} {total}", body)


def challenge(minor: int, currency: str, merchant: str) -> bytes:
    total = amount(minor, currency)
    body = (
        f"<p>Your bank asks: is this payment of {total} to {escape(merchant)} yours?</p>"
        '<form method="post"><button id="complete" name="answer" value="complete">Complete authentication</button>'
        '<button id="fail" name="answer" value="fail">Fail authentication</button></form>'
    )
    return _page("3-D Secure", body)


def over(title: str, text: str, back: str | None = None) -> bytes:
    link = f'<p><a id="cancel" href="{escape(back)}">Back to the merchant</a></p>' if back else ""
    return _page(title, f"<p>{escape(text)}</p>{link}")


def onboarding(account: str, refresh_url: str) -> bytes:
    body = (
        f"<p>Account {escape(account)}: tell who you are and where your money goes.</p>"
        '<form method="post"><button id="complete" name="answer" value="complete">Submit everything</button>'
        '<button id="later" name="answer" value="later">Save for later</button></form>'
        f'<p><a id="refresh" href="{escape(refresh_url)}">The link is too old</a></p>'
    )
    return _page("Onboarding", body)


def authorize(platform: str, accounts: list[str]) -> bytes:
    options = "".join(f'<option value="{escape(one)}">{escape(one)}</option>' for one in accounts)
    body = (
        f"<p>{escape(platform)} would like to charge on your account and read its data.</p>"
        '<form method="post"><label for="account">Account</label><select id="account" name="account">'
        f'<option value="">A new account</option>{options}</select>'
        '<label for="country">Country of a new account</label><input id="country" name="country" value="DE" maxlength="2">'
        '<button id="connect" name="answer" value="connect">Connect</button>'
        '<button id="deny" name="answer" value="deny">Deny</button></form>'
    )
    return _page("Connect your account", body)
