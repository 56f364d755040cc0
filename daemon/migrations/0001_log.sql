-- Raw log: one packed blob a commit. `mark` is the event time up to which all was judged when it was committed.
CREATE TABLE batch (
    id      INTEGER PRIMARY KEY,
    mark    REAL    NOT NULL,
    first   REAL    NOT NULL,
    last    REAL    NOT NULL,
    count   INTEGER NOT NULL,
    samples BLOB    NOT NULL
);
CREATE INDEX batch_by_time ON batch (last, first);

-- A device with the points of one of its messages; blobs refer to these by number.
CREATE TABLE layout (
    id     INTEGER PRIMARY KEY,
    points TEXT NOT NULL UNIQUE          -- JSON: [device, point, ...]
);

-- The packets that a broker may send again: committed, their acknowledgement perhaps lost.
CREATE TABLE packet_window (
    batch   INTEGER NOT NULL,
    source  TEXT    NOT NULL,
    packets BLOB    NOT NULL,            -- u16 ids, then u32 digests
    PRIMARY KEY (batch, source)
) WITHOUT ROWID;

CREATE TABLE event (
    id       INTEGER PRIMARY KEY,
    number   INTEGER NOT NULL,           -- the incident it belongs to: what people call the alert
    rule     TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    place    TEXT    NOT NULL,
    at       REAL    NOT NULL,
    turn     TEXT    NOT NULL,
    severity INTEGER NOT NULL,
    delivery TEXT    NOT NULL,
    why      TEXT    NOT NULL,
    "values" TEXT    NOT NULL,
    evidence TEXT    NOT NULL,
    UNIQUE (rule, key, at, turn, number)
);
CREATE INDEX event_by_number ON event (number);

-- What the engine remembered right after a commit; the log from there on gives the rest.
CREATE TABLE snapshot (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    batch INTEGER NOT NULL,
    body  BLOB    NOT NULL
);
