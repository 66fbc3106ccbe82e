"""The tables of the index, as the migrations leave them: the one description of their columns and kinds.

Never connected by themselves (`Meta.database` only knows how SQLite writes its questions): `database` opens the file,
`rows` gives what is read as values. A test compares these models with what the migrations make.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee as pw

from artfactoryd.core import line_values, strict_json
from artfactoryd.core.lifecycle import ItemState

DIALECT = pw.SqliteDatabase(None)


class JsonField(pw.TextField):
    """A list or an object; an old row may hold a plain word under the same name, which is left alone."""

    def db_value(self, value: Any) -> Any:
        return None if value is None else strict_json.dumps(value)

    def python_value(self, value: Any) -> Any:
        return strict_json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


class ListField(JsonField):
    """A list of such values."""

    def __init__(self, each: Any, **options: Any) -> None:
        super().__init__(**options)
        self.each = each

    def python_value(self, value: Any) -> Any:
        return None if value is None else tuple(self.each.from_json(one) for one in strict_json.loads(value))


class StateField(pw.TextField):
    def python_value(self, value: Any) -> ItemState:
        return ItemState(value)


class FlagField(pw.BooleanField):
    """0 or 1 in the file."""

    def python_value(self, value: Any) -> Any:
        return None if value is None else bool(value)


CONVERTED = (JsonField, StateField, FlagField)


class Table(pw.Model):
    class Meta:
        database = DIALECT
        legacy_table_names = False


class Meta(Table):
    key = pw.TextField(primary_key=True)
    value = pw.TextField()


class Orders(Table):
    id = pw.TextField(primary_key=True)
    claim = pw.TextField()
    number = pw.IntegerField()  # of the document in its file
    submission = pw.TextField(null=True)
    name = pw.TextField()
    project = pw.TextField()
    folder = pw.TextField(null=True)  # in the home; none before the papers lie there
    model = JsonField()  # the catalogue's entry at acceptance
    document = pw.TextField()
    document_sha256 = pw.TextField()
    fingerprint = pw.TextField()
    file = pw.TextField()
    git = JsonField(null=True)
    accepted_at = pw.TextField()
    base_seed = pw.IntegerField()
    priority = pw.IntegerField()
    rehearsal = FlagField()
    provider = pw.TextField()
    tags = JsonField()
    notes = pw.TextField()
    cap = pw.BigIntegerField()
    price = pw.BigIntegerField(null=True)  # the upper price at acceptance
    total_items = pw.IntegerField()
    total_products = pw.IntegerField()
    expanded_items = pw.IntegerField()
    expanded_products = pw.IntegerField()
    committed = pw.BigIntegerField()  # spent, perhaps spent, and reserved
    held = ListField(line_values.HoldReason, null=True)  # the reasons
    held_entry = pw.TextField(null=True)
    held_fingerprint = pw.TextField(null=True)
    cancelled = FlagField()
    was_cancelled = FlagField()  # ever, though retried since
    paused = pw.TextField(null=True)  # since when
    inputs = JsonField()
    overrun = FlagField()  # a bill above what was set aside, until a person has said so
    dearest = pw.BigIntegerField()  # of its bills above a reservation
    library = JsonField()  # what it borrowed, as it was
    buy_again = FlagField()  # approved though bought before and gone since
    models = JsonField()  # empty where there is only one
    proof = JsonField(null=True)  # numbers of the items made first
    grown_items = pw.IntegerField()  # beside total_items: made of what came above what was asked for
    agent = pw.TextField()  # who handed it in; empty of a person's
    content = pw.TextField()  # what it asks for, as a hash; empty of earlier releases'

    class Meta:
        table_name = "orders"


class Item(Table):
    order_id = pw.TextField()
    number = pw.IntegerField()
    state = StateField()
    provider = pw.TextField()
    first_index = pw.IntegerField()
    asked = pw.IntegerField()
    copy = pw.IntegerField()
    seed = pw.BigIntegerField(null=True)
    generation = JsonField()
    tokens = JsonField()
    upper = pw.BigIntegerField()
    attempts = pw.IntegerField()
    attempt = pw.TextField(null=True)
    ticket = pw.TextField(null=True)
    outputs = ListField(line_values.Output, null=True)
    reason = pw.TextField(null=True)
    stop = FlagField()  # a person asked the provider to stop it
    key = pw.TextField(null=True)  # null: never equal to another
    buy_again = FlagField()
    model = pw.IntegerField()
    stage = pw.TextField(null=True)
    parent = pw.IntegerField(null=True)  # the place in the order of what it is fed with
    waits = pw.IntegerField()  # 1 for its parent, 2 for a liked one
    parent_nth = pw.IntegerField()  # which of those at that place
    wants_liked = FlagField()  # whether it waits, or waited, for a liked one

    class Meta:
        table_name = "item"
        primary_key = pw.CompositeKey("order_id", "number")


class GenerationLog(Table):
    id = pw.TextField(primary_key=True)
    order_id = pw.TextField()
    number = pw.IntegerField()
    nth = pw.IntegerField()
    provider = pw.TextField()
    model = pw.TextField()
    actual = JsonField()
    returned = JsonField(null=True)
    ticket = pw.TextField(null=True)
    verdict = pw.TextField(null=True)
    reason = pw.TextField(null=True)
    asked_at = pw.TextField()
    answered_at = pw.TextField(null=True)
    ended_at = pw.TextField(null=True)
    reserved = pw.BigIntegerField()
    cost = pw.BigIntegerField(null=True)
    estimated = FlagField()
    day = pw.TextField(null=True)

    class Meta:
        table_name = "generation_log"


class Product(Table):
    id = pw.TextField(primary_key=True)
    order_id = pw.TextField()
    number = pw.IntegerField()
    place = pw.IntegerField()  # in the order
    path = pw.TextField()
    sha256 = pw.TextField()
    bytes = pw.BigIntegerField()
    mime = pw.TextField()
    width = pw.IntegerField(null=True)
    height = pw.IntegerField(null=True)
    created_at = pw.TextField()
    nth = pw.IntegerField()  # at its place: 0 the first, 1 b, 26 ba
    liked = FlagField()
    tags = JsonField(null=True)  # null: those of its order
    looked = pw.TextField(null=True)  # null: its pixels were not made yet; empty: it is well; else what is wrong
    replaced_by = pw.TextField(null=True)  # of a damaged one: the id of the one that lies beside it since
    seq = pw.IntegerField(null=True)  # newest first is by this; a trigger gives it to each that is added
    project = pw.TextField(null=True)  # given likewise
    rating = pw.IntegerField(null=True)  # 0 to 5; null: none was given
    original_sha256 = pw.TextField(null=True)  # of the bytes that came, where others lie on the shelf
    notes = pw.TextField(null=True)  # null: those of its order
    mark = pw.TextField(null=True)  # the line that said all this last; null: nobody did
    found = FlagField()  # liked by what the shelf tells alone: it sends nothing on
    unwritten = FlagField()  # its sidecar does not carry the mark yet
    collections = JsonField(null=True)  # their names; null: it never was in one
    duration = pw.FloatField(null=True)  # seconds, of a film or a sound
    codec = pw.TextField(null=True)  # by which it is packed: `h264, aac`

    class Meta:
        table_name = "product"


class Unsearched(Table):
    """Products whose words are not taken into `searched` yet."""

    seq = pw.IntegerField(primary_key=True)

    class Meta:
        table_name = "unsearched"


class Interim(Table):
    """A product that is not shelved, only sent on to a later stage."""

    id = pw.TextField(primary_key=True)
    order_id = pw.TextField()
    number = pw.IntegerField()
    place = pw.IntegerField()
    path = pw.TextField()
    sha256 = pw.TextField()
    bytes = pw.BigIntegerField()
    mime = pw.TextField()
    width = pw.IntegerField(null=True)
    height = pw.IntegerField(null=True)
    created_at = pw.TextField()
    nth = pw.IntegerField()  # at its place: 0 the first, 1 b, 26 ba
    original_sha256 = pw.TextField(null=True)  # of the bytes that came, where it is a copy of others

    class Meta:
        table_name = "interim"


class LedgerMark(Table):
    """One row: by what the ledger's last place is known again."""

    id = pw.IntegerField(primary_key=True)
    mark = pw.TextField()

    class Meta:
        table_name = "ledger_mark"


class ShelfItem(Table):
    """An item that only the shelf tells of, made by `reindex` from its products' sidecars."""

    order_id = pw.TextField()
    number = pw.IntegerField()
    key = pw.TextField()
    asked = pw.IntegerField()
    delivered = pw.IntegerField()

    class Meta:
        table_name = "shelf_item"
        primary_key = pw.CompositeKey("order_id", "number")


class Output(Table):
    """The view of both: what a later stage can be fed with."""

    id = pw.TextField(primary_key=True)
    order_id = pw.TextField()
    number = pw.IntegerField()
    place = pw.IntegerField()
    path = pw.TextField()
    sha256 = pw.TextField()
    bytes = pw.BigIntegerField()
    mime = pw.TextField()
    width = pw.IntegerField(null=True)
    height = pw.IntegerField(null=True)
    created_at = pw.TextField()
    nth = pw.IntegerField()  # at its place: 0 the first, 1 b, 26 ba
    liked = FlagField()
    shelved = FlagField()
    original_sha256 = pw.TextField(null=True)

    class Meta:
        table_name = "output"


class Told(Table):
    """What its sidecar tells of a product whose order is not known here: imported, or of a lost ledger."""

    id = pw.TextField(primary_key=True)
    order_name = pw.TextField(null=True)
    provider = pw.TextField()
    model = JsonField()  # as a snapshot
    generation = JsonField()
    seed = pw.BigIntegerField(null=True)
    copy = pw.IntegerField(null=True)
    rehearsal = FlagField()
    origin = JsonField(null=True)
    parents = JsonField()

    class Meta:
        table_name = "told"


class ProviderStop(Table):
    provider = pw.TextField()
    kind = pw.TextField()  # stopped | paused
    reason = pw.TextField()
    since = pw.TextField()
    of_key = FlagField()  # a free question answered well lifts it

    class Meta:
        table_name = "provider_stop"
        primary_key = pw.CompositeKey("provider", "kind")


class Command(Table):
    id = pw.TextField(primary_key=True)
    name = pw.TextField()
    answer = JsonField()
    at = pw.TextField()

    class Meta:
        table_name = "command"


class Upload(Table):
    provider = pw.TextField()
    sha256 = pw.TextField()
    address = pw.TextField()
    expires_at = pw.TextField(null=True)

    class Meta:
        table_name = "upload"
        primary_key = pw.CompositeKey("provider", "sha256")


class Question(Table):
    attempt = pw.TextField(primary_key=True)
    since = pw.TextField()  # when the doubt arose
    times = pw.IntegerField()
    last_at = pw.TextField(null=True)
    next_at = pw.TextField(null=True)  # null: it is not asked any more
    hopeful = FlagField()  # an answer may come soon enough to wait for
    words = pw.TextField()

    class Meta:
        table_name = "question"


class Spending(Table):
    day = pw.TextField(primary_key=True)
    committed = pw.BigIntegerField()  # spent, perhaps spent, and reserved
    agents = pw.BigIntegerField()  # of that, what is of orders of agents

    class Meta:
        table_name = "spending"


class Outage(Table):
    provider = pw.TextField(primary_key=True)
    reason = pw.TextField()
    since = pw.TextField()
    again_at = pw.TextField()
    given_up = FlagField()  # tried so often that whoever waits for an end need not wait on

    class Meta:
        table_name = "outage"


class Parameter(Table):
    """The names of all that items were sent with. The words of products are in `searched`, which is SQLite's own."""

    name = pw.TextField(primary_key=True)

    class Meta:
        table_name = "parameter"


TABLES: Sequence[type[Table]] = (
    Meta, Orders, Item, GenerationLog, Product, Interim, ShelfItem, LedgerMark, ProviderStop, Command,
    Upload, Question, Spending, Outage, Parameter, Unsearched, Told,
)  # fmt: skip
