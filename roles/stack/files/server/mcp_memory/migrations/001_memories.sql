CREATE TABLE memories (
    key        text PRIMARY KEY,
    content    text NOT NULL,
    tags       text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- The words of the key weigh more than those of the content.
    document   tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('english', regexp_replace(key, '[^A-Za-z0-9]+', ' ', 'g')), 'A')
        || setweight(to_tsvector('english', content), 'B')
    ) STORED
);

CREATE INDEX memories_document ON memories USING gin (document);
CREATE INDEX memories_tags ON memories USING gin (tags);
CREATE INDEX memories_latest ON memories (updated_at DESC, key);
