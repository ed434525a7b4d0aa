"""Offers: the policy that a product manager writes, and which offer of it a subscriber gets.

    benefit.py      what an offer gives: the only file that knows the kinds
    document.py     what a policy file may hold, and an offer's texts with its numbers filled in
    complaints.py   what is wrong with one: where, and what to do instead
    conditions.py   conditions on a subscriber's fields
    segments.py     segments that a person declares, in which effects are measured
    checks.py       whether it fits the contract
    price.py        the price and the currency that it counts in
    policy.py       the policy as it is used: read, checked, made ready
    formula.py      what an offer is worth
    effects_hash.py names the effects that it says
    actions.py      what may be done for a subscriber, and how likely each is done
    arms.py         lots: who is held out, and who gets another action than the best
    selection.py    the one action for a subscriber, by expected net value or by lot

Serving calls the last two in each request that shows a banner.
"""
