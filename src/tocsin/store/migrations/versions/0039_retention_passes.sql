-- One row per kind of history: its newest pass, and the newest that deleted anything.
CREATE TABLE retention_passes (
    kind TEXT NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    deleted BIGINT DEFAULT 0 NOT NULL,
    last_deleted_at TIMESTAMP WITH TIME ZONE,
    last_deleted BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_retention_passes PRIMARY KEY (kind)
);
