"""What service, portal and dashboard share. The service loads only the first four modules.

- `logging`: one JSON object a line on standard output.
- `protocol`: the HTTP protocol, with the app's own words for what is not HTTP.
- `server`: binds an address, and serves until told to stop.
- `guard`: security headers, a limit on bodies, a line in the log, and a page when all fails.
- `sessions`: who is signed in, in a signed cookie, and the token that a form must bring back.
- `pages`: templates and the pages of problems.
- `app`: builds an app of pages from these parts.
"""
