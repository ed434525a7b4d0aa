"""What service, portal and dashboard share. The service loads the first eight only.

lines.py     lines on standard output that cost nobody an answer
streams.py   standard input, output and error of a program, whatever they are
logging.py   one JSON object a line on standard output
edge.py      limits of what comes on a connection, and what an app decides before a request reaches it
goodbye.py   how a connection ends on which something still comes
protocol.py  the HTTP protocol, with the app's own words for what is not HTTP
acceptor.py  takes the connections that wait, many in one turn of the event loop
server.py    binds an address, and serves until told to stop
attempts.py  a limit on how often a secret may be tried
addresses.py addresses on which apps listen
tokens.py    the token that people or machines give
ended.py     which sessions have ended
guard.py     security headers, a limit on bodies, a line in the log, and a page when all fails
sessions.py  who is signed in, in a signed cookie, and the token that a form must bring back
oidc.py      what is set of signing in by OpenID Connect, and who is let in
provider.py  an OpenID Connect provider, by Authlib
oidc_sign_in.py  the routes by which people sign in there and come back
entrance.py  the ways into an app: a token, a provider, or none
visits.py    who may look and act: people who have signed in
sign_in.py   the routes by which they sign in and out
machines.py  routes for machines, which give the token with each request
pages.py     templates and the pages of problems
patience.py  removes by age, a day late, in case the clock has jumped
database.py  an SQLite file, its tables from version to version, and its transactions
app.py       builds an app of pages from these parts
"""
