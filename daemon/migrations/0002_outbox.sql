-- What staff are told: one event for one channel. Written with its event, settled after each single message.
CREATE TABLE outbox (
    id      INTEGER PRIMARY KEY,
    event   INTEGER NOT NULL REFERENCES event (id),
    number  INTEGER NOT NULL,            -- the alert's, as in the event
    channel TEXT    NOT NULL,
    is_wanted INTEGER NOT NULL,          -- whether the channel asks for this turn as such
    due     REAL    NOT NULL,            -- not before; moves with quiet hours and after each failure
    tries   INTEGER NOT NULL DEFAULT 0,  -- failures so far
    state   TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'given_up')),
    tried_at REAL,                       -- when the endpoint last answered, or did not
    answer  TEXT    NOT NULL DEFAULT '', -- what it said, or why nothing was heard
    UNIQUE (event, channel)
);
CREATE INDEX outbox_waiting ON outbox (channel, due) WHERE state = 'waiting';
CREATE INDEX outbox_by_number ON outbox (number, channel);
