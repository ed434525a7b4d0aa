"""The portal: *Manage Subscription*, a small app of its own that talks to the churn service over HTTP only.

__main__.py  the program `churn-portal`
settings.py  what environment variables set, and the key that signs
app.py       everything of the subscribers' pages wired in one place
team.py      everything of the team's pages, which have a port of their own
sessions.py  who is signed in, and what routes ask of a request
routes.py    a subscriber's routes: sign in, *Manage Subscription*, what they do about a banner
advice.py    asks the service what to show
banner.py    decides what is shown
business.py  what is shown of a business: name, page, phrases, demo subscribers
preview.py   what each subscriber of the demo would see, for the command line
facts.py     a subscriber's facts in the contract's words
bills.py     when bills come, and what an offer takes off them
demo_people.py  the demo's subscribers where a business declares none
records.py   subscribers, exposures and history as values
exposures.py records what was shown behind the page
reporting.py reports to the service what became of banners
store.py     keeps them
people.py    what machines may ask of one person
retention.py removes what is old
database.py  the SQLite file below the store
events.py    counts for the product manager, as a page and for machines
explain.py   the page *Explain this prediction*
fields.py    its form
chart.py     its waterfall
pages.py     templates
words.py     amounts, days and phrases in words
"""
