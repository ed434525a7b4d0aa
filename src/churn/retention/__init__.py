"""What the banner shows, and why.

reasons.py   contributions to ranked sentences, and to reasons that a subscriber may read
verifying.py whether a reason holds, and by which rule
because.py   why the offer is for this subscriber
banner.py    the reasons and the offer of one banner
offers/      the policy of offers, and which offer a subscriber gets
campaign/    a policy of offers over a file of subscribers
proving.py   whether all that banners show is true
proving_offers.py   whether what is said of an offer is true
"""
