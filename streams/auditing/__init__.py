"""Audits: why somebody got an event or not, who could have seen it when, and what another agreement would change.

history.py      what the topics hold: decisions, control records as of then, events
explaining.py   why, and why not, in plain words; pure
replaying.py    each decision that was made, made again; pure
versions.py     what changed from one version of an agreement to the next; pure
drafts.py       an agreement that is not in force yet, against what was; pure
desk.py         the questions; commands.py and agreement_commands.py show the answers
"""
