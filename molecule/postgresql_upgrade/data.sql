-- What a copy can get wrong: awkward names, every kind of relation, sequences, settings of roles and databases, odd types.
CREATE ROLE "Awkward ""role"" %'" LOGIN PASSWORD 'other' VALID UNTIL '2100-01-01';
CREATE ROLE readers;
GRANT readers TO "Awkward ""role"" %'";
ALTER ROLE app SET work_mem = '5MB';
ALTER ROLE app IN DATABASE app SET search_path = app, public;
ALTER DATABASE app SET statement_timeout = '30s';
CREATE TABLE in_postgres AS SELECT 1 AS n;
CREATE DATABASE "Awkward/ ""name"" %'\" OWNER "Awkward ""role"" %'" TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';

\connect app
CREATE SCHEMA app AUTHORIZATION app;
SET ROLE app;
SET search_path = app, public;
CREATE TABLE big (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, word text, at timestamptz DEFAULT now(), number float8, raw bytea);
INSERT INTO big (word, number, raw)
  SELECT md5(n::text) || repeat('ä', n % 50), sqrt(n), decode(md5(n::text), 'hex') FROM generate_series(1, 60000) n;
CREATE INDEX big_word ON big USING gin (word gin_trgm_ops);
CREATE TABLE visits (id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE measured (at date NOT NULL, value numeric) PARTITION BY RANGE (at);
CREATE TABLE measured_2026 PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO measured SELECT date '2026-01-01' + n, n / 7.0 FROM generate_series(0, 300) n;
CREATE TYPE colour AS ENUM ('red', 'grün');
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TABLE "Tab ""le""; %'" (r colour, t span, "Sel ect" jsonb, i interval);
INSERT INTO "Tab ""le""; %'" VALUES ('grün', '[1,2)', '{"a": [1, null]}', '1 year 2 days'), (NULL, NULL, NULL, NULL);
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
CREATE SEQUENCE "Seq ""uence""" START 100 INCREMENT -7 MINVALUE -1000 MAXVALUE 100 CYCLE;
SELECT nextval('"Seq ""uence"""') \g /dev/null
CREATE VIEW words AS SELECT word FROM big;
CREATE MATERIALIZED VIEW longest AS SELECT max(length(word)) FROM big;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := clock_timestamp(); RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION stamp();
SELECT lo_from_bytea(0, 'a large object') \g /dev/null
RESET ROLE;

\connect "dbname='Awkward/ ""name"" %\'\\'"
CREATE TABLE "table" AS SELECT 'kept'::text AS "text";
