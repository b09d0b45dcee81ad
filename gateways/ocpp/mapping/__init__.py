"""The one vocabulary: how commands and messages of every OCPP version lie in each other (PROTOCOLS 5).

`words.py` has the enumerations, `commands_*.py` one row for each way in which a version carries an intent, `answers.py` the
results and `messages.py` what stations say; `engine.py` applies a row in either direction. The dialects use the same rows as the
vocabulary of the admin API and the page that shows them (`chart.py`).
"""
