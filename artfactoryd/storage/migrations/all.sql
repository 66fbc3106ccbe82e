CREATE TABLE "schema_migration" ("id" INTEGER NOT NULL PRIMARY KEY, "name" VARCHAR(255) NOT NULL, "applied" DATETIME NOT NULL)

CREATE UNIQUE INDEX "schema_migration_name" ON "schema_migration" ("name")

CREATE TABLE "command" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, "answer" TEXT NOT NULL, "at" TEXT NOT NULL)

CREATE TABLE "generation_log" ("id" TEXT NOT NULL PRIMARY KEY, "order_id" TEXT NOT NULL, "number" INTEGER NOT NULL, "nth" INTEGER NOT NULL, "provider" TEXT NOT NULL, "model" TEXT NOT NULL, "actual" TEXT NOT NULL, "returned" TEXT, "ticket" TEXT, "verdict" TEXT, "reason" TEXT, "asked_at" TEXT NOT NULL, "answered_at" TEXT, "ended_at" TEXT, "reserved" INTEGER NOT NULL, "cost" INTEGER, "estimated" INTEGER NOT NULL, "day" TEXT)

CREATE INDEX "generationlog_order_id_number" ON "generation_log" ("order_id", "number")

CREATE TABLE "meta" ("key" TEXT NOT NULL PRIMARY KEY, "value" TEXT NOT NULL)

CREATE TABLE "upload" ("provider" TEXT NOT NULL, "sha256" TEXT NOT NULL, "address" TEXT NOT NULL, "expires_at" TEXT, PRIMARY KEY ("provider", "sha256"))

CREATE TABLE "question" ("attempt" TEXT NOT NULL PRIMARY KEY, "since" TEXT NOT NULL, "times" INTEGER NOT NULL, "last_at" TEXT, "next_at" TEXT, "hopeful" INTEGER NOT NULL, "words" TEXT NOT NULL)

CREATE INDEX "generation_log_verdict" ON "generation_log" ("verdict")

CREATE INDEX "generation_log_provider_asked_at" ON "generation_log" ("provider", "asked_at")

CREATE TABLE "spending" ("day" TEXT NOT NULL PRIMARY KEY, "committed" INTEGER NOT NULL, agents INTEGER NOT NULL DEFAULT 0)

CREATE TABLE "provider_stop" ("provider" TEXT NOT NULL, "kind" TEXT NOT NULL, "reason" TEXT NOT NULL, "since" TEXT NOT NULL, "of_key" INTEGER NOT NULL, PRIMARY KEY ("provider", "kind"))

CREATE TABLE "outage" ("provider" TEXT NOT NULL PRIMARY KEY, "reason" TEXT NOT NULL, "since" TEXT NOT NULL, "again_at" TEXT NOT NULL, "given_up" INTEGER NOT NULL)

CREATE TABLE "orders" ("id" TEXT NOT NULL PRIMARY KEY, "claim" TEXT NOT NULL, "number" INTEGER NOT NULL, "submission" TEXT, "name" TEXT NOT NULL, "project" TEXT NOT NULL, "folder" TEXT, "model" TEXT NOT NULL, "document" TEXT NOT NULL, "document_sha256" TEXT NOT NULL, "fingerprint" TEXT NOT NULL, "file" TEXT NOT NULL, "git" TEXT, "accepted_at" TEXT NOT NULL, "base_seed" INTEGER NOT NULL, "priority" INTEGER NOT NULL, "rehearsal" INTEGER NOT NULL, "provider" TEXT NOT NULL, "tags" TEXT NOT NULL, "notes" TEXT NOT NULL, "cap" INTEGER NOT NULL, "price" INTEGER, "total_items" INTEGER NOT NULL, "total_products" INTEGER NOT NULL, "expanded_items" INTEGER NOT NULL, "expanded_products" INTEGER NOT NULL, "committed" INTEGER NOT NULL, "held" TEXT, "held_entry" TEXT, "held_fingerprint" TEXT, "cancelled" INTEGER NOT NULL, "was_cancelled" INTEGER NOT NULL, "paused" TEXT, "inputs" TEXT NOT NULL, "overrun" INTEGER NOT NULL, "dearest" INTEGER NOT NULL, "library" TEXT NOT NULL, buy_again INTEGER NOT NULL DEFAULT 0, "models" TEXT NOT NULL, "proof" TEXT, grown_items INTEGER NOT NULL DEFAULT 0, agent TEXT NOT NULL DEFAULT '', content TEXT NOT NULL DEFAULT '')

CREATE UNIQUE INDEX "orders_claim_number" ON "orders" ("claim", "number")

CREATE INDEX "orders_document_sha256" ON "orders" ("document_sha256")

CREATE INDEX "orders_fingerprint" ON "orders" ("fingerprint")

CREATE TABLE "item" ("order_id" TEXT NOT NULL, "number" INTEGER NOT NULL, "state" TEXT NOT NULL, "provider" TEXT NOT NULL, "first_index" INTEGER NOT NULL, "asked" INTEGER NOT NULL, "copy" INTEGER NOT NULL, "seed" INTEGER, "generation" TEXT NOT NULL, "tokens" TEXT NOT NULL, "upper" INTEGER NOT NULL, "attempts" INTEGER NOT NULL, "attempt" TEXT, "ticket" TEXT, "outputs" TEXT, "reason" TEXT, "stop" INTEGER NOT NULL, key TEXT, buy_again INTEGER NOT NULL DEFAULT 0, "model" INTEGER NOT NULL, "stage" TEXT, "parent" INTEGER, "waits" INTEGER NOT NULL, parent_nth INTEGER NOT NULL DEFAULT 0, wants_liked INTEGER NOT NULL DEFAULT 0, PRIMARY KEY ("order_id", "number"))

CREATE INDEX item_key ON item (key)

CREATE INDEX "item_order_id_state_number" ON "item" ("order_id", "state", "number")

CREATE INDEX "item_state_provider_order_id" ON "item" ("state", "provider", "order_id")

CREATE TABLE "product" ("id" TEXT NOT NULL PRIMARY KEY, "order_id" TEXT NOT NULL, "number" INTEGER NOT NULL, "place" INTEGER NOT NULL, "path" TEXT NOT NULL, "sha256" TEXT NOT NULL, "bytes" INTEGER NOT NULL, "mime" TEXT NOT NULL, "width" INTEGER, "height" INTEGER, "created_at" TEXT NOT NULL, "liked" INTEGER DEFAULT 0 NOT NULL, "tags" TEXT, nth INTEGER NOT NULL DEFAULT 0, looked TEXT, replaced_by TEXT, seq INTEGER, project TEXT, rating INTEGER, original_sha256 TEXT, notes TEXT, mark TEXT, found INTEGER NOT NULL DEFAULT 0, unwritten INTEGER NOT NULL DEFAULT 0, collections TEXT, duration REAL, codec TEXT)

CREATE INDEX "product_order_id_place" ON "product" ("order_id", "place")

CREATE INDEX "product_path" ON "product" ("path")

CREATE INDEX "item_state_provider_waits_order_id" ON "item" ("state", "provider", "waits", "order_id")

CREATE INDEX item_parent ON item (order_id, parent) WHERE parent IS NOT NULL

CREATE TABLE interim (id TEXT NOT NULL PRIMARY KEY, order_id TEXT NOT NULL, number INTEGER NOT NULL, place INTEGER NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, bytes BIGINT NOT NULL, mime TEXT NOT NULL, width INTEGER, height INTEGER, created_at TEXT NOT NULL, nth INTEGER NOT NULL DEFAULT 0, original_sha256 TEXT)

CREATE INDEX interim_order_id_place ON interim (order_id, place)

CREATE TABLE shelf_item (order_id TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, asked INTEGER NOT NULL, delivered INTEGER NOT NULL, PRIMARY KEY (order_id, number))

CREATE TABLE ledger_mark (id INTEGER NOT NULL PRIMARY KEY, mark TEXT NOT NULL)

CREATE INDEX shelf_item_key ON shelf_item (key)

CREATE INDEX product_unlooked ON product (id, order_id) WHERE looked IS NULL

CREATE INDEX orders_held ON orders (id) WHERE held IS NOT NULL

CREATE INDEX orders_unexpanded ON orders (id) WHERE expanded_items < total_items

CREATE INDEX orders_proof ON orders (id) WHERE proof IS NOT NULL

CREATE INDEX orders_paused ON orders (id) WHERE paused IS NOT NULL

CREATE INDEX orders_name ON orders (name)

CREATE INDEX item_told ON item (order_id, number) WHERE reason IS NOT NULL

CREATE TABLE parameter (name TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID

CREATE INDEX orders_any_name ON orders (name COLLATE NOCASE)

CREATE UNIQUE INDEX product_seq ON product (seq)

CREATE INDEX product_project ON product (project COLLATE NOCASE, seq)

CREATE TABLE product_tag (tag TEXT NOT NULL COLLATE NOCASE, seq INTEGER NOT NULL, PRIMARY KEY (tag, seq)) WITHOUT ROWID

CREATE TABLE unsearched (seq INTEGER NOT NULL PRIMARY KEY)

CREATE TRIGGER product_added AFTER INSERT ON product BEGIN UPDATE product SET seq = (SELECT coalesce(max(p.seq) + 1, (coalesce(CAST(round((julianday(product.created_at) - 2440587.5) * 86400000) AS INTEGER), 0) << 20)) FROM product p WHERE p.seq >= (coalesce(CAST(round((julianday(product.created_at) - 2440587.5) * 86400000) AS INTEGER), 0) << 20) AND p.seq < (coalesce(CAST(round((julianday(product.created_at) - 2440587.5) * 86400000) AS INTEGER), 0) << 20) + 1048576), project = coalesce((SELECT project FROM orders WHERE id = product.order_id), CASE WHEN path LIKE 'Projects/%/%' THEN substr(path, 10, instr(substr(path, 10), '/') - 1) END) WHERE id = NEW.id; INSERT OR IGNORE INTO product_tag (tag, seq) SELECT value, product.seq FROM product, json_each(coalesce(product.tags, (SELECT tags FROM orders WHERE id = product.order_id), '[]')) WHERE type = 'text' AND product.id = NEW.id; INSERT OR IGNORE INTO unsearched SELECT seq FROM product WHERE id = NEW.id; END

CREATE TRIGGER product_removed AFTER DELETE ON product BEGIN DELETE FROM product_tag WHERE seq = OLD.seq; DELETE FROM unsearched WHERE seq = OLD.seq; END

CREATE TRIGGER product_tagged AFTER UPDATE OF tags ON product BEGIN DELETE FROM product_tag WHERE seq = NEW.seq AND tag IN (SELECT value FROM json_each(coalesce(OLD.tags, (SELECT tags FROM orders WHERE id = OLD.order_id), '[]'))); INSERT OR IGNORE INTO product_tag (tag, seq) SELECT value, product.seq FROM product, json_each(coalesce(product.tags, (SELECT tags FROM orders WHERE id = product.order_id), '[]')) WHERE type = 'text' AND product.id = NEW.id; END

CREATE VIRTUAL TABLE searched USING fts5 (text, tokenize = 'trigram', content = '')

CREATE INDEX product_bytes ON product (sha256)

CREATE INDEX product_liked ON product (seq) WHERE liked = 1

CREATE INDEX product_rating ON product (rating, seq) WHERE rating IS NOT NULL

CREATE INDEX product_original ON product (original_sha256) WHERE original_sha256 IS NOT NULL

CREATE VIEW output AS SELECT id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, nth, liked, 1 AS shelved, original_sha256 FROM product WHERE replaced_by IS NULL UNION ALL SELECT id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, nth, 0, 0, original_sha256 FROM interim

CREATE INDEX product_unwritten ON product (id) WHERE unwritten = 1

CREATE INDEX product_found ON product (order_id) WHERE found = 1

CREATE TABLE marking (number INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL, command TEXT NOT NULL, product TEXT NOT NULL, before TEXT)

CREATE INDEX marking_product ON marking (product)

CREATE INDEX marking_command ON marking (command)

CREATE INDEX marking_before ON marking (number) WHERE before IS NOT NULL

CREATE TRIGGER product_noted AFTER UPDATE OF notes ON product WHEN NEW.notes IS NOT OLD.notes BEGIN INSERT OR IGNORE INTO unsearched (seq) VALUES (NEW.seq); END

CREATE TABLE told (id TEXT NOT NULL PRIMARY KEY, order_name TEXT, provider TEXT NOT NULL, model TEXT NOT NULL, generation TEXT NOT NULL, seed INTEGER, copy INTEGER, rehearsal INTEGER NOT NULL, origin TEXT, parents TEXT NOT NULL) WITHOUT ROWID

CREATE INDEX product_imported ON product (seq) WHERE order_id = ''

CREATE TRIGGER told_added AFTER INSERT ON told BEGIN INSERT OR IGNORE INTO parameter SELECT key FROM json_each(NEW.generation); END

CREATE TRIGGER product_told AFTER DELETE ON product BEGIN DELETE FROM told WHERE id = OLD.id; END

CREATE INDEX item_seed ON item (seed) WHERE seed IS NOT NULL

CREATE INDEX told_seed ON told (seed) WHERE seed IS NOT NULL

CREATE TABLE product_collection (collection TEXT NOT NULL COLLATE NOCASE, seq INTEGER NOT NULL, PRIMARY KEY (collection, seq)) WITHOUT ROWID

CREATE INDEX product_collection_seq ON product_collection (seq)

CREATE TRIGGER product_collected AFTER UPDATE OF seq, collections ON product WHEN NEW.collections IS NOT NULL OR OLD.collections IS NOT NULL BEGIN DELETE FROM product_collection WHERE seq IN (OLD.seq, NEW.seq); INSERT OR IGNORE INTO product_collection (collection, seq) SELECT value, NEW.seq FROM json_each(coalesce(NEW.collections, '[]')) WHERE type = 'text'; END

CREATE TRIGGER product_uncollected AFTER DELETE ON product BEGIN DELETE FROM product_collection WHERE seq = OLD.seq; END

CREATE TABLE clone (path TEXT NOT NULL PRIMARY KEY, product TEXT NOT NULL, collection TEXT NOT NULL COLLATE NOCASE, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID

CREATE INDEX clone_product ON clone (product, collection)

CREATE TABLE binned (product TEXT NOT NULL PRIMARY KEY, at TEXT NOT NULL, source TEXT NOT NULL, emptied TEXT) WITHOUT ROWID

CREATE TABLE moving (product TEXT NOT NULL PRIMARY KEY, source TEXT NOT NULL, path TEXT NOT NULL) WITHOUT ROWID

CREATE TABLE lying (path TEXT NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL, changed INTEGER NOT NULL, what TEXT NOT NULL) WITHOUT ROWID

CREATE INDEX lying_copy ON lying (what) WHERE what > 'copy:' AND what < 'copy;'

CREATE TABLE shelf_state (product TEXT NOT NULL PRIMARY KEY, edited INTEGER NOT NULL DEFAULT 0, missing TEXT, gone INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID

CREATE INDEX shelf_state_missing ON shelf_state (product) WHERE missing IS NOT NULL

CREATE TRIGGER product_moved AFTER UPDATE OF path ON product WHEN NEW.path IS NOT OLD.path BEGIN UPDATE product SET project = substr(NEW.path, 10, instr(substr(NEW.path, 10), '/') - 1) WHERE id = NEW.id AND NEW.path LIKE 'Projects/%/%' AND NEW.path NOT LIKE 'Projects/.%'; INSERT OR IGNORE INTO unsearched (seq) VALUES (NEW.seq); END

CREATE TRIGGER product_unlaid AFTER DELETE ON product BEGIN DELETE FROM shelf_state WHERE product = OLD.id; END

CREATE INDEX orders_content ON orders (content, id) WHERE content <> ''

INSERT INTO schema_migration (name, applied) VALUES
    ('0001_tables', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0002_pauses', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0003_inputs', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0004_questions', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0005_spending', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0006_outages', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0007_library', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0008_reuse', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0009_stages', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0010_proof', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0011_interim', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0012_shelf_items', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0013_sent_on', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0014_looks', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0015_lookups', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0016_search', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0017_known', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0018_asked', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0019_original', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0020_marks', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0021_told', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0022_seed', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0023_collections', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0024_noticing', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0025_film', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')),
    ('0026_agents', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime'))
