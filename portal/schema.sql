-- What the portal remembers. What may happen once is held to it by a key, in any number of tabs and processes.

CREATE TABLE IF NOT EXISTS subscribers (
    key          TEXT PRIMARY KEY,                              -- opaque; the service makes the arm of it
    number       INTEGER NOT NULL,                              -- as the demo counts them
    title        TEXT NOT NULL,
    about        TEXT NOT NULL,
    facts        TEXT NOT NULL CHECK (json_valid(facts)),       -- what /predict takes
    wants_offers INTEGER NOT NULL DEFAULT 1 CHECK (wants_offers IN (0, 1))
) STRICT, WITHOUT ROWID;

-- One row for each prediction that counts in the experiment, with all that was put before the subscriber.
CREATE TABLE IF NOT EXISTS exposures (
    prediction_id  TEXT PRIMARY KEY,
    subscriber     TEXT NOT NULL REFERENCES subscribers (key),
    at             TEXT NOT NULL,                               -- UTC
    kind           TEXT NOT NULL CHECK (kind IN ('exposure', 'holdout', 'nothing_to_show')),
    arm            TEXT NOT NULL,
    policy_version TEXT NOT NULL,
    model_version  TEXT NOT NULL,
    reason_codes   TEXT NOT NULL CHECK (json_valid(reason_codes)),
    language       TEXT NOT NULL,
    offer          TEXT CHECK (offer IS NULL OR json_valid(offer))   -- as it was shown; acceptance reads it here
) STRICT;
CREATE INDEX IF NOT EXISTS exposures_of_subscriber ON exposures (subscriber);

-- What the subscriber did about it, each once.
CREATE TABLE IF NOT EXISTS responses (
    prediction_id TEXT NOT NULL REFERENCES exposures (prediction_id),
    kind          TEXT NOT NULL CHECK (kind IN ('dismissal', 'acceptance', 'helpful', 'not_helpful', 'opt_out')),
    at            TEXT NOT NULL,                                -- UTC
    PRIMARY KEY (prediction_id, kind)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_opinion ON responses (prediction_id) WHERE kind IN ('helpful', 'not_helpful');

-- The offer that a subscriber has: one at a time, hence one row each.
CREATE TABLE IF NOT EXISTS accepted_offers (
    subscriber    TEXT PRIMARY KEY REFERENCES subscribers (key),
    prediction_id TEXT NOT NULL UNIQUE REFERENCES exposures (prediction_id),
    accepted_on   TEXT NOT NULL,                                -- YYYY-MM-DD
    active_until  TEXT NOT NULL,                                -- YYYY-MM-DD, the day of the last bill it counts for
    language      TEXT NOT NULL,
    offer         TEXT NOT NULL CHECK (json_valid(offer))
) STRICT, WITHOUT ROWID;

-- All that happened, a line each: what the experiment is judged by.
CREATE VIEW IF NOT EXISTS events AS
SELECT prediction_id, subscriber, at, kind, arm, policy_version, model_version, reason_codes,
       offer ->> 'code' AS offer_code
  FROM exposures
 UNION ALL
SELECT prediction_id, subscriber, responses.at, responses.kind, arm, policy_version, model_version, reason_codes,
       offer ->> 'code'
  FROM responses JOIN exposures USING (prediction_id);
