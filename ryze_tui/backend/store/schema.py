"""The tables, in a form that any SQL dialect understands; times are Unix seconds, JSON is text."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint, false

metadata = MetaData()

meta = Table(
    "meta", metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

accounts = Table(
    "accounts", metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    Column("quota", Integer, nullable=True),  # NULL: as the server was started with; 0: any number
    Column("removing", Boolean, nullable=False, default=False, server_default=false()),  # its token is dead, its instances go
)

revoked_tokens = Table(
    "revoked_tokens", metadata,  # of accounts; what was revoked once is never a token again
    Column("token_sha256", String(64), primary_key=True),
    Column("revoked_at", Float, nullable=False),
)

instances = Table(
    "instances", metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), ForeignKey("accounts.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("token", Text, nullable=False),  # encrypted
    Column("token_hmac", String(64), nullable=False, unique=True),
    Column("stage", String(16), nullable=False),
    Column("since", Float, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("jid", String(100), nullable=False, default=""),
    Column("paired", Boolean, nullable=False, default=False),
    Column("profile_name", Text, nullable=False, default=""),
    Column("business_name", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    UniqueConstraint("account_id", "name"),
)

blocks = Table(
    "blocks", metadata,
    Column("instance_id", String(32), ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("label", String(255), primary_key=True, default=""),
    Column("json", Text, nullable=False),  # secret fields inside are encrypted
)

sessions = Table(
    "sessions", metadata,
    Column("instance_id", String(32), ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True),
    Column("data", Text, nullable=False),  # encrypted
)

outbox = Table(
    "outbox", metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("instance_id", String(32), nullable=False),
    Column("label", String(255), nullable=False),
    Column("event", String(40), nullable=False),
    Column("lane", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Float, nullable=False),
    Column("status", Integer),
    Column("answer", Text, nullable=False),
    Column("done_at", Float, nullable=False),
    Column("data", Text, nullable=False),  # encrypted
    Index("outbox_state", "state", "sequence"),
    Index("outbox_webhook", "instance_id", "label", "state", "sequence"),
)

messages = Table(
    "messages", metadata,  # what metrics count, and by which a message that comes twice is known; never what was said
    Column("instance_id", String(32), ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True),
    Column("message_id", String(255), primary_key=True),
    Column("chat", String(255), primary_key=True),
    Column("type", String(40), primary_key=True),  # a revocation may have the id of what it revokes
    Column("outgoing", Boolean, nullable=False),
    Column("is_group", Boolean, nullable=False),
    Column("media", String(40), nullable=False),
    Column("sent_at", Float, nullable=False),
    Column("status", String(12), nullable=False),
)

uploads = Table(
    "uploads", metadata,  # media on its way to S3; the bytes are in a file of the same id
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("instance_id", String(32), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("size", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("data", Text, nullable=False),  # encrypted
    Index("uploads_instance", "instance_id"),
)

chatwoot_queue = Table(
    "chatwoot_queue", metadata,  # finished rows stay a while, without their data: what comes twice is known by them
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("instance_id", String(32), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("key", String(200), nullable=False),
    Column("lane", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("done_at", Float, nullable=False),
    Column("data", Text, nullable=False),  # encrypted
    Column("media", Text),  # encrypted base64
    UniqueConstraint("instance_id", "key"),
    Index("chatwoot_queue_state", "state", "sequence"),
    Index("chatwoot_queue_instance", "instance_id", "state", "sequence"),
)

chatwoot_chats = Table(
    "chatwoot_chats", metadata,
    Column("instance_id", String(32), primary_key=True),
    Column("jid", String(100), primary_key=True),
    Column("place", Text, nullable=False),  # the inbox these ids are of
    Column("contact_id", Integer, nullable=False),
    Column("conversation_id", Integer, nullable=False),
    Index("chatwoot_chats_conversation", "instance_id", "conversation_id"),
)

SCHEMA_VERSION: Final = 6
