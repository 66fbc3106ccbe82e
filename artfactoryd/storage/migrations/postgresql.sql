CREATE FUNCTION nocase(words TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.lower($1 COLLATE "C") $$

CREATE FUNCTION lower(words TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.lower($1 COLLATE "C") $$

CREATE FUNCTION equal_nocase(one TEXT, other TEXT) RETURNS BOOLEAN LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.lower($1 COLLATE "C") = pg_catalog.lower($2 COLLATE "C") $$

CREATE OPERATOR =* (LEFTARG = TEXT, RIGHTARG = TEXT, FUNCTION = equal_nocase)

CREATE FUNCTION substr(words TEXT, start INTEGER) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT CASE WHEN $2 < 0 THEN right($1, -$2) ELSE pg_catalog.substr($1, $2) END $$

CREATE FUNCTION instr(words TEXT, part TEXT) RETURNS INTEGER LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT strpos($1, $2) $$

CREATE FUNCTION max(one BIGINT, other BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT greatest($1, $2) $$

CREATE FUNCTION min(one TEXT, other TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT least($1 COLLATE "C", $2 COLLATE "C") $$

CREATE FUNCTION number_of(words TEXT) RETURNS NUMERIC LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT CASE WHEN $1 ~ '^-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?$' THEN $1::numeric END $$

CREATE FUNCTION seconds_of(moment TEXT) RETURNS NUMERIC LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$ BEGIN IF $1 !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}' THEN RETURN NULL; END IF; RETURN extract(epoch FROM $1::timestamptz); EXCEPTION WHEN data_exception THEN RETURN NULL; END $$

CREATE FUNCTION julianday(moment TEXT) RETURNS DOUBLE PRECISION LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (seconds_of($1) / 86400 + 2440587.5)::double precision $$

CREATE AGGREGATE group_concat(TEXT, TEXT) (SFUNC = string_agg_transfn, STYPE = internal, FINALFUNC = string_agg_finalfn)

CREATE FUNCTION joined_number(before TEXT, number BIGINT) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1 || ',', '') || $2::text $$

CREATE AGGREGATE group_concat(BIGINT) (SFUNC = joined_number, STYPE = TEXT)

CREATE FUNCTION json_of(document TEXT) RETURNS JSON LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT CASE WHEN strpos($1, '\u') = 0 THEN $1::json ELSE regexp_replace(regexp_replace(regexp_replace($1, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g'), '\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})', '\\ufffd', 'g'), '(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}', '\\ufffd', 'g')::json END $$

CREATE FUNCTION json_kind(part JSON) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT CASE json_typeof($1) WHEN 'string' THEN 'text' WHEN 'number' THEN CASE WHEN $1::text ~ '[.eE]' THEN 'real' ELSE 'integer' END WHEN 'boolean' THEN $1::text ELSE json_typeof($1) END $$

CREATE FUNCTION json_text(part JSON) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT CASE json_typeof($1) WHEN 'string' THEN $1 #>> '{}' WHEN 'boolean' THEN CASE $1::text WHEN 'true' THEN '1' ELSE '0' END WHEN 'null' THEN NULL ELSE $1::text END $$

CREATE FUNCTION json_at(document TEXT, path TEXT) RETURNS JSON LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT CASE WHEN $2 = '$' THEN json_of($1) ELSE json_of($1) #> (SELECT array_agg(coalesce(step[1], step[2], step[3])) FROM regexp_matches($2, '[.]"([^"]*)"|[.]([^.[]+)|\[([0-9]+)\]', 'g') step) END $$

CREATE FUNCTION json_extract(document TEXT, path TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT json_text(json_at($1, $2)) $$

CREATE FUNCTION json_type(document TEXT, path TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT json_kind(json_at($1, $2)) $$

CREATE FUNCTION json_array_length(document TEXT) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT CASE WHEN json_typeof(json_of($1)) = 'array' THEN pg_catalog.json_array_length(json_of($1)) ELSE 0 END $$

CREATE FUNCTION json_parts(part JSON, OUT id BIGINT, OUT key TEXT, OUT inside JSON) RETURNS SETOF RECORD LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS $$ SELECT o.n, o.k, o.v FROM pg_catalog.json_each(CASE WHEN json_typeof($1) = 'object' THEN $1 ELSE '{}' END) WITH ORDINALITY o (k, v, n) UNION ALL SELECT a.n, (a.n - 1)::text, a.v FROM json_array_elements(CASE WHEN json_typeof($1) = 'array' THEN $1 ELSE '[]' END) WITH ORDINALITY a (v, n) $$

CREATE FUNCTION json_each(document TEXT, OUT id BIGINT, OUT key TEXT, OUT value TEXT, OUT type TEXT) RETURNS SETOF RECORD LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS $$ SELECT p.id, p.key, json_text(p.inside), json_kind(p.inside) FROM json_parts(json_of($1)) p $$

CREATE FUNCTION json_each(document TEXT, path TEXT, OUT id BIGINT, OUT key TEXT, OUT value TEXT, OUT type TEXT) RETURNS SETOF RECORD LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS $$ SELECT p.id, p.key, json_text(p.inside), json_kind(p.inside) FROM json_parts(json_at($1, $2)) p $$

CREATE FUNCTION json_tree(document TEXT, path TEXT, OUT key TEXT, OUT value TEXT, OUT type TEXT) RETURNS SETOF RECORD LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS $$ WITH RECURSIVE tree (key, part) AS (SELECT NULL::text, json_at($1, $2) UNION ALL SELECT p.key, p.inside FROM tree, LATERAL json_parts(tree.part) p) SELECT t.key, json_text(t.part), json_kind(t.part) FROM tree t WHERE t.part IS NOT NULL $$

CREATE FUNCTION json_tree(document TEXT, OUT key TEXT, OUT value TEXT, OUT type TEXT) RETURNS SETOF RECORD LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS $$ SELECT t.key, t.value, t.type FROM json_tree($1, '$') t $$

CREATE FUNCTION project_in(path TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT CASE WHEN lower($1) LIKE 'projects/%/%' THEN substr($1, 10, strpos(substr($1, 10), '/') - 1) END $$

CREATE TABLE "schema_migration" ("id" BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "name" TEXT COLLATE "C" NOT NULL, "applied" TIMESTAMP NOT NULL)

CREATE UNIQUE INDEX "schema_migration_name" ON "schema_migration" ("name")

CREATE TABLE "command" ("id" TEXT COLLATE "C" NOT NULL PRIMARY KEY, "name" TEXT COLLATE "C" NOT NULL, "answer" TEXT COLLATE "C" NOT NULL, "at" TEXT COLLATE "C" NOT NULL)

CREATE TABLE "generation_log" ("id" TEXT COLLATE "C" NOT NULL PRIMARY KEY, "order_id" TEXT COLLATE "C" NOT NULL, "number" BIGINT NOT NULL, "nth" BIGINT NOT NULL, "provider" TEXT COLLATE "C" NOT NULL, "model" TEXT COLLATE "C" NOT NULL, "actual" TEXT COLLATE "C" NOT NULL, "returned" TEXT COLLATE "C", "ticket" TEXT COLLATE "C", "verdict" TEXT COLLATE "C", "reason" TEXT COLLATE "C", "asked_at" TEXT COLLATE "C" NOT NULL, "answered_at" TEXT COLLATE "C", "ended_at" TEXT COLLATE "C", "reserved" BIGINT NOT NULL, "cost" BIGINT, "estimated" BIGINT NOT NULL, "day" TEXT COLLATE "C", rowid BIGINT GENERATED BY DEFAULT AS IDENTITY)

CREATE INDEX "generationlog_order_id_number" ON "generation_log" ("order_id", "number")

CREATE TABLE "meta" ("key" TEXT COLLATE "C" NOT NULL PRIMARY KEY, "value" TEXT COLLATE "C" NOT NULL)

CREATE TABLE "upload" ("provider" TEXT COLLATE "C" NOT NULL, "sha256" TEXT COLLATE "C" NOT NULL, "address" TEXT COLLATE "C" NOT NULL, "expires_at" TEXT COLLATE "C", PRIMARY KEY ("provider", "sha256"))

CREATE TABLE "question" ("attempt" TEXT COLLATE "C" NOT NULL PRIMARY KEY, "since" TEXT COLLATE "C" NOT NULL, "times" BIGINT NOT NULL, "last_at" TEXT COLLATE "C", "next_at" TEXT COLLATE "C", "hopeful" BIGINT NOT NULL, "words" TEXT COLLATE "C" NOT NULL)

CREATE INDEX "generation_log_verdict" ON "generation_log" ("verdict")

CREATE INDEX "generation_log_provider_asked_at" ON "generation_log" ("provider", "asked_at")

CREATE TABLE "spending" ("day" TEXT COLLATE "C" NOT NULL PRIMARY KEY, "committed" BIGINT NOT NULL, agents BIGINT NOT NULL DEFAULT 0)

CREATE TABLE "provider_stop" ("provider" TEXT COLLATE "C" NOT NULL, "kind" TEXT COLLATE "C" NOT NULL, "reason" TEXT COLLATE "C" NOT NULL, "since" TEXT COLLATE "C" NOT NULL, "of_key" BIGINT NOT NULL, PRIMARY KEY ("provider", "kind"))

CREATE TABLE "outage" ("provider" TEXT COLLATE "C" NOT NULL PRIMARY KEY, "reason" TEXT COLLATE "C" NOT NULL, "since" TEXT COLLATE "C" NOT NULL, "again_at" TEXT COLLATE "C" NOT NULL, "given_up" BIGINT NOT NULL)

CREATE TABLE "orders" ("id" TEXT COLLATE "C" NOT NULL PRIMARY KEY, "claim" TEXT COLLATE "C" NOT NULL, "number" BIGINT NOT NULL, "submission" TEXT COLLATE "C", "name" TEXT COLLATE "C" NOT NULL, "project" TEXT COLLATE "C" NOT NULL, "folder" TEXT COLLATE "C", "model" TEXT COLLATE "C" NOT NULL, "document" TEXT COLLATE "C" NOT NULL, "document_sha256" TEXT COLLATE "C" NOT NULL, "fingerprint" TEXT COLLATE "C" NOT NULL, "file" TEXT COLLATE "C" NOT NULL, "git" TEXT COLLATE "C", "accepted_at" TEXT COLLATE "C" NOT NULL, "base_seed" BIGINT NOT NULL, "priority" BIGINT NOT NULL, "rehearsal" BIGINT NOT NULL, "provider" TEXT COLLATE "C" NOT NULL, "tags" TEXT COLLATE "C" NOT NULL, "notes" TEXT COLLATE "C" NOT NULL, "cap" BIGINT NOT NULL, "price" BIGINT, "total_items" BIGINT NOT NULL, "total_products" BIGINT NOT NULL, "expanded_items" BIGINT NOT NULL, "expanded_products" BIGINT NOT NULL, "committed" BIGINT NOT NULL, "held" TEXT COLLATE "C", "held_entry" TEXT COLLATE "C", "held_fingerprint" TEXT COLLATE "C", "cancelled" BIGINT NOT NULL, "was_cancelled" BIGINT NOT NULL, "paused" TEXT COLLATE "C", "inputs" TEXT COLLATE "C" NOT NULL, "overrun" BIGINT NOT NULL, "dearest" BIGINT NOT NULL, "library" TEXT COLLATE "C" NOT NULL, buy_again BIGINT NOT NULL DEFAULT 0, "models" TEXT COLLATE "C" NOT NULL, "proof" TEXT COLLATE "C", grown_items BIGINT NOT NULL DEFAULT 0, agent TEXT COLLATE "C" NOT NULL DEFAULT '', content TEXT COLLATE "C" NOT NULL DEFAULT '')

CREATE UNIQUE INDEX "orders_claim_number" ON "orders" ("claim", "number")

CREATE INDEX "orders_document_sha256" ON "orders" ("document_sha256")

CREATE INDEX "orders_fingerprint" ON "orders" ("fingerprint")

CREATE TABLE "item" ("order_id" TEXT COLLATE "C" NOT NULL, "number" BIGINT NOT NULL, "state" TEXT COLLATE "C" NOT NULL, "provider" TEXT COLLATE "C" NOT NULL, "first_index" BIGINT NOT NULL, "asked" BIGINT NOT NULL, "copy" BIGINT NOT NULL, "seed" BIGINT, "generation" TEXT COLLATE "C" NOT NULL, "tokens" TEXT COLLATE "C" NOT NULL, "upper" BIGINT NOT NULL, "attempts" BIGINT NOT NULL, "attempt" TEXT COLLATE "C", "ticket" TEXT COLLATE "C", "outputs" TEXT COLLATE "C", "reason" TEXT COLLATE "C", "stop" BIGINT NOT NULL, key TEXT COLLATE "C", buy_again BIGINT NOT NULL DEFAULT 0, "model" BIGINT NOT NULL, "stage" TEXT COLLATE "C", "parent" BIGINT, "waits" BIGINT NOT NULL, parent_nth BIGINT NOT NULL DEFAULT 0, wants_liked BIGINT NOT NULL DEFAULT 0, PRIMARY KEY ("order_id", "number"))

CREATE INDEX item_key ON item (key)

CREATE INDEX "item_order_id_state_number" ON "item" ("order_id", "state", "number")

CREATE INDEX "item_state_provider_order_id" ON "item" ("state", "provider", "order_id")

CREATE TABLE "product" ("id" TEXT COLLATE "C" NOT NULL PRIMARY KEY, "order_id" TEXT COLLATE "C" NOT NULL, "number" BIGINT NOT NULL, "place" BIGINT NOT NULL, "path" TEXT COLLATE "C" NOT NULL, "sha256" TEXT COLLATE "C" NOT NULL, "bytes" BIGINT NOT NULL, "mime" TEXT COLLATE "C" NOT NULL, "width" BIGINT, "height" BIGINT, "created_at" TEXT COLLATE "C" NOT NULL, "liked" BIGINT DEFAULT 0 NOT NULL, "tags" TEXT COLLATE "C", nth BIGINT NOT NULL DEFAULT 0, looked TEXT COLLATE "C", replaced_by TEXT COLLATE "C", seq BIGINT, project TEXT COLLATE "C", rating BIGINT, original_sha256 TEXT COLLATE "C", notes TEXT COLLATE "C", mark TEXT COLLATE "C", found BIGINT NOT NULL DEFAULT 0, unwritten BIGINT NOT NULL DEFAULT 0, collections TEXT COLLATE "C", duration DOUBLE PRECISION, codec TEXT COLLATE "C")

CREATE INDEX "product_order_id_place" ON "product" ("order_id", "place")

CREATE INDEX "product_path" ON "product" ("path")

CREATE INDEX "item_state_provider_waits_order_id" ON "item" ("state", "provider", "waits", "order_id")

CREATE INDEX item_parent ON item (order_id, parent) WHERE parent IS NOT NULL

CREATE TABLE interim (id TEXT COLLATE "C" NOT NULL PRIMARY KEY, order_id TEXT COLLATE "C" NOT NULL, number BIGINT NOT NULL, place BIGINT NOT NULL, path TEXT COLLATE "C" NOT NULL, sha256 TEXT COLLATE "C" NOT NULL, bytes BIGINT NOT NULL, mime TEXT COLLATE "C" NOT NULL, width BIGINT, height BIGINT, created_at TEXT COLLATE "C" NOT NULL, nth BIGINT NOT NULL DEFAULT 0, original_sha256 TEXT COLLATE "C")

CREATE INDEX interim_order_id_place ON interim (order_id, place)

CREATE TABLE shelf_item (order_id TEXT COLLATE "C" NOT NULL, number BIGINT NOT NULL, key TEXT COLLATE "C" NOT NULL, asked BIGINT NOT NULL, delivered BIGINT NOT NULL, PRIMARY KEY (order_id, number))

CREATE TABLE ledger_mark (id BIGINT NOT NULL PRIMARY KEY, mark TEXT COLLATE "C" NOT NULL)

CREATE INDEX shelf_item_key ON shelf_item (key)

CREATE INDEX product_unlooked ON product (id, order_id) WHERE looked IS NULL

CREATE INDEX orders_held ON orders (id) WHERE held IS NOT NULL

CREATE INDEX orders_unexpanded ON orders (id) WHERE expanded_items < total_items

CREATE INDEX orders_proof ON orders (id) WHERE proof IS NOT NULL

CREATE INDEX orders_paused ON orders (id) WHERE paused IS NOT NULL

CREATE INDEX orders_content ON orders (content, id) WHERE content <> ''

CREATE INDEX orders_name ON orders (name)

CREATE INDEX item_told ON item (order_id, number) WHERE reason IS NOT NULL

CREATE TABLE parameter (name TEXT COLLATE "C" NOT NULL PRIMARY KEY)

CREATE INDEX orders_any_name ON orders (lower(name))

CREATE UNIQUE INDEX product_seq ON product (seq)

CREATE INDEX product_project ON product (lower(project), seq)

CREATE TABLE product_tag (tag TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL)

CREATE TABLE unsearched (seq BIGINT NOT NULL PRIMARY KEY)

CREATE INDEX product_bytes ON product (sha256)

CREATE INDEX product_liked ON product (seq) WHERE liked = 1

CREATE INDEX product_rating ON product (rating, seq) WHERE rating IS NOT NULL

CREATE INDEX product_original ON product (original_sha256) WHERE original_sha256 IS NOT NULL

CREATE VIEW output AS SELECT id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, nth, liked, 1 AS shelved, original_sha256 FROM product WHERE replaced_by IS NULL UNION ALL SELECT id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, nth, 0, 0, original_sha256 FROM interim

CREATE INDEX product_unwritten ON product (id) WHERE unwritten = 1

CREATE INDEX product_found ON product (order_id) WHERE found = 1

CREATE TABLE marking (number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, id TEXT COLLATE "C" NOT NULL, command TEXT COLLATE "C" NOT NULL, product TEXT COLLATE "C" NOT NULL, before TEXT COLLATE "C")

CREATE INDEX marking_product ON marking (product)

CREATE INDEX marking_command ON marking (command)

CREATE INDEX marking_before ON marking (number) WHERE before IS NOT NULL

CREATE TABLE told (id TEXT COLLATE "C" NOT NULL PRIMARY KEY, order_name TEXT COLLATE "C", provider TEXT COLLATE "C" NOT NULL, model TEXT COLLATE "C" NOT NULL, generation TEXT COLLATE "C" NOT NULL, seed BIGINT, copy BIGINT, rehearsal BIGINT NOT NULL, origin TEXT COLLATE "C", parents TEXT COLLATE "C" NOT NULL)

CREATE INDEX product_imported ON product (seq) WHERE order_id = ''

CREATE INDEX item_seed ON item (seed) WHERE seed IS NOT NULL

CREATE INDEX told_seed ON told (seed) WHERE seed IS NOT NULL

CREATE TABLE product_collection (collection TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL)

CREATE INDEX product_collection_seq ON product_collection (seq)

CREATE TABLE clone (path TEXT COLLATE "C" NOT NULL PRIMARY KEY, product TEXT COLLATE "C" NOT NULL, collection TEXT COLLATE "C" NOT NULL, sha256 TEXT COLLATE "C" NOT NULL, bytes BIGINT NOT NULL, changed BIGINT NOT NULL)

CREATE INDEX clone_product ON clone (product, collection)

CREATE TABLE binned (product TEXT COLLATE "C" NOT NULL PRIMARY KEY, at TEXT COLLATE "C" NOT NULL, source TEXT COLLATE "C" NOT NULL, emptied TEXT COLLATE "C")

CREATE TABLE moving (product TEXT COLLATE "C" NOT NULL PRIMARY KEY, source TEXT COLLATE "C" NOT NULL, path TEXT COLLATE "C" NOT NULL)

CREATE TABLE lying (path TEXT COLLATE "C" NOT NULL PRIMARY KEY, bytes BIGINT NOT NULL, changed BIGINT NOT NULL, what TEXT COLLATE "C" NOT NULL)

CREATE INDEX lying_copy ON lying (what) WHERE what > 'copy:' AND what < 'copy;'

CREATE TABLE shelf_state (product TEXT COLLATE "C" NOT NULL PRIMARY KEY, edited BIGINT NOT NULL DEFAULT 0, missing TEXT COLLATE "C", gone BIGINT NOT NULL DEFAULT 0)

CREATE INDEX shelf_state_missing ON shelf_state (product) WHERE missing IS NOT NULL

CREATE UNIQUE INDEX product_tag_seq ON product_tag (lower(tag), seq)

CREATE INDEX product_tag_of ON product_tag (seq)

CREATE UNIQUE INDEX product_collection_of ON product_collection (lower(collection), seq)

CREATE TABLE searched (rowid BIGINT NOT NULL PRIMARY KEY, text TEXT COLLATE "C" NOT NULL)

CREATE INDEX searched_words ON searched USING gin (text gin_trgm_ops)

CREATE FUNCTION on_searched_again() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN DELETE FROM searched WHERE rowid = NEW.rowid; RETURN NEW; END $$

CREATE TRIGGER searched_again BEFORE INSERT ON searched FOR EACH ROW EXECUTE FUNCTION on_searched_again()

CREATE FUNCTION tag_product(product product) RETURNS VOID LANGUAGE sql AS $$ INSERT INTO product_tag (tag, seq) SELECT t.value, ($1).seq FROM json_each(coalesce(($1).tags, (SELECT o.tags FROM orders o WHERE o.id = ($1).order_id), '[]')) t WHERE t.type = 'text' ON CONFLICT DO NOTHING $$

CREATE FUNCTION collect_product(product product) RETURNS VOID LANGUAGE sql AS $$ INSERT INTO product_collection (collection, seq) SELECT c.value, ($1).seq FROM json_each(coalesce(($1).collections, '[]')) c WHERE c.type = 'text' ON CONFLICT DO NOTHING $$

CREATE FUNCTION on_product_added() RETURNS TRIGGER LANGUAGE plpgsql AS $$ DECLARE first BIGINT := coalesce(round(seconds_of(NEW.created_at) * 1000)::bigint, 0) << 20; BEGIN NEW.seq := (SELECT coalesce(max(p.seq) + 1, first) FROM product p WHERE p.seq >= first AND p.seq < first + 1048576); NEW.project := coalesce((SELECT o.project FROM orders o WHERE o.id = NEW.order_id), project_in(NEW.path)); RETURN NEW; END $$

CREATE FUNCTION after_product_added() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN PERFORM tag_product(NEW); IF NEW.collections IS NOT NULL THEN PERFORM collect_product(NEW); END IF; INSERT INTO unsearched (seq) VALUES (NEW.seq) ON CONFLICT DO NOTHING; RETURN NULL; END $$

CREATE FUNCTION after_product_removed() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN DELETE FROM product_tag WHERE seq = OLD.seq; DELETE FROM unsearched WHERE seq = OLD.seq; DELETE FROM searched WHERE rowid = OLD.seq; DELETE FROM told WHERE id = OLD.id; DELETE FROM product_collection WHERE seq = OLD.seq; DELETE FROM shelf_state WHERE product = OLD.id; RETURN NULL; END $$

CREATE FUNCTION on_product_moved() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN IF NEW.path IS DISTINCT FROM OLD.path AND lower(NEW.path) NOT LIKE 'projects/.%' THEN NEW.project := coalesce(project_in(NEW.path), NEW.project); END IF; RETURN NEW; END $$

CREATE FUNCTION after_product_changed() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN IF NEW.tags IS DISTINCT FROM OLD.tags THEN DELETE FROM product_tag WHERE seq = NEW.seq AND tag IN (SELECT t.value FROM json_each(coalesce(OLD.tags, (SELECT o.tags FROM orders o WHERE o.id = OLD.order_id), '[]')) t); PERFORM tag_product(NEW); END IF; IF NEW.collections IS DISTINCT FROM OLD.collections THEN DELETE FROM product_collection WHERE seq IN (OLD.seq, NEW.seq); PERFORM collect_product(NEW); END IF; IF NEW.notes IS DISTINCT FROM OLD.notes OR NEW.path IS DISTINCT FROM OLD.path THEN INSERT INTO unsearched (seq) VALUES (NEW.seq) ON CONFLICT DO NOTHING; END IF; RETURN NULL; END $$

CREATE FUNCTION after_told_added() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN INSERT INTO parameter (name) SELECT g.key FROM json_each(NEW.generation) g WHERE g.key IS NOT NULL ON CONFLICT DO NOTHING; RETURN NULL; END $$

CREATE TRIGGER product_added BEFORE INSERT ON product FOR EACH ROW EXECUTE FUNCTION on_product_added()

CREATE TRIGGER product_is_added AFTER INSERT ON product FOR EACH ROW EXECUTE FUNCTION after_product_added()

CREATE TRIGGER product_removed AFTER DELETE ON product FOR EACH ROW EXECUTE FUNCTION after_product_removed()

CREATE TRIGGER product_moved BEFORE UPDATE OF path ON product FOR EACH ROW EXECUTE FUNCTION on_product_moved()

CREATE TRIGGER product_changed AFTER UPDATE OF tags, collections, notes, path ON product FOR EACH ROW EXECUTE FUNCTION after_product_changed()

CREATE TRIGGER told_added AFTER INSERT OR UPDATE OF generation ON told FOR EACH ROW EXECUTE FUNCTION after_told_added()
