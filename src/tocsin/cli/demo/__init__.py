"""`tocsin demo`: a running hub with sample data and live traffic.

command.py    what is started, in which order, and how it all ends
stage.py      the hub itself: workspace, integrations, destinations, rules, server
traffic.py    the seven tools: what is sent, and when
inboxes.py    those who are notified: a webhook receiver, a Teams workflow, a mail inbox
board.py      what has happened so far
view.py       how a terminal shows it; lines.py how a pipe does
"""
