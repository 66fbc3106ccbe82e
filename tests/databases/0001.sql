-- The index as the first release made it. Never edited.
CREATE TABLE "command" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, "answer" TEXT NOT NULL, "at" TEXT NOT NULL);
CREATE TABLE "generation_log" ("id" TEXT NOT NULL PRIMARY KEY, "order_id" TEXT NOT NULL, "number" INTEGER NOT NULL, "nth" INTEGER NOT NULL, "provider" TEXT NOT NULL, "model" TEXT NOT NULL, "actual" TEXT NOT NULL, "returned" TEXT, "ticket" TEXT, "verdict" TEXT, "reason" TEXT, "asked_at" TEXT NOT NULL, "answered_at" TEXT, "ended_at" TEXT, "reserved" INTEGER NOT NULL, "cost" INTEGER, "estimated" INTEGER NOT NULL);
CREATE TABLE "item" ("order_id" TEXT NOT NULL, "number" INTEGER NOT NULL, "state" TEXT NOT NULL, "provider" TEXT NOT NULL, "first_index" INTEGER NOT NULL, "asked" INTEGER NOT NULL, "copy" INTEGER NOT NULL, "seed" INTEGER, "generation" TEXT NOT NULL, "tokens" TEXT NOT NULL, "upper" INTEGER NOT NULL, "attempts" INTEGER NOT NULL, "attempt" TEXT, "ticket" TEXT, "outputs" TEXT, "reason" TEXT, "stop" INTEGER NOT NULL, PRIMARY KEY ("order_id", "number"));
CREATE TABLE "meta" ("key" TEXT NOT NULL PRIMARY KEY, "value" TEXT NOT NULL);
CREATE TABLE "orders" ("id" TEXT NOT NULL PRIMARY KEY, "claim" TEXT NOT NULL, "number" INTEGER NOT NULL, "submission" TEXT, "name" TEXT NOT NULL, "project" TEXT NOT NULL, "folder" TEXT, "model" TEXT NOT NULL, "document" TEXT NOT NULL, "document_sha256" TEXT NOT NULL, "fingerprint" TEXT NOT NULL, "file" TEXT NOT NULL, "git" TEXT, "accepted_at" TEXT NOT NULL, "base_seed" INTEGER NOT NULL, "priority" INTEGER NOT NULL, "rehearsal" INTEGER NOT NULL, "provider" TEXT NOT NULL, "tags" TEXT NOT NULL, "notes" TEXT NOT NULL, "cap" INTEGER NOT NULL, "price" INTEGER, "total_items" INTEGER NOT NULL, "total_products" INTEGER NOT NULL, "expanded_items" INTEGER NOT NULL, "expanded_products" INTEGER NOT NULL, "committed" INTEGER NOT NULL, "held" TEXT, "held_entry" TEXT, "held_fingerprint" TEXT, "cancelled" INTEGER NOT NULL, "was_cancelled" INTEGER NOT NULL);
CREATE TABLE "product" ("id" TEXT NOT NULL PRIMARY KEY, "order_id" TEXT NOT NULL, "number" INTEGER NOT NULL, "place" INTEGER NOT NULL, "path" TEXT NOT NULL, "sha256" TEXT NOT NULL, "bytes" INTEGER NOT NULL, "mime" TEXT NOT NULL, "width" INTEGER, "height" INTEGER, "created_at" TEXT NOT NULL);
CREATE TABLE "provider_stop" ("provider" TEXT NOT NULL PRIMARY KEY, "reason" TEXT NOT NULL, "since" TEXT NOT NULL);
CREATE TABLE "schema_migration" ("id" INTEGER NOT NULL PRIMARY KEY, "name" VARCHAR(255) NOT NULL, "applied" DATETIME NOT NULL);
INSERT INTO "schema_migration" VALUES(1,'0001_tables','2026-11-22 17:08:26.524343');
CREATE UNIQUE INDEX "schema_migration_name" ON "schema_migration" ("name");
CREATE INDEX "generationlog_order_id_number" ON "generation_log" ("order_id", "number");
CREATE INDEX "item_order_id_state_number" ON "item" ("order_id", "state", "number");
CREATE INDEX "item_state_provider_order_id" ON "item" ("state", "provider", "order_id");
CREATE UNIQUE INDEX "orders_claim_number" ON "orders" ("claim", "number");
CREATE INDEX "orders_fingerprint" ON "orders" ("fingerprint");
CREATE INDEX "orders_document_sha256" ON "orders" ("document_sha256");
CREATE INDEX "product_order_id_place" ON "product" ("order_id", "place");
CREATE INDEX "product_path" ON "product" ("path");
