"""The end of a person's data: asked for by one operator, agreed to by another, destroyed, told and proved. Decision 13.

Rule 1: two persons. Who asked cannot agree; the database refuses it as well.
Rule 2: a legal hold on any id of the person stops it, until it is ended with a reason.
Rule 3: the order goes to `control.subjects` first, and only then keys are destroyed: what was ordered is done again
        after any restore, before anything starts.
Rule 4: every step may be repeated; an erasure that was interrupted goes on where it was.
Rule 5: nothing that is written of it tells of the person: random ids, codes, counts, a hash of key ids.
"""
