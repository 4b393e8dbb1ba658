"""What must be true of an installation's database whenever the server is not running."""

import sqlite3

# Each query answers rows only where the books do not balance.
QUERIES = {
    "messages of a mailbox": """
        select m.account_id, m.id, m.message_count, m.size_bytes, m.unseen_count,
               count(p.uid) as counted, coalesce(sum(p.size), 0) as bytes,
               coalesce(sum(p.flags & 1 = 0), 0) as unseen
        from mailbox m left join placement p on p.account_id = m.account_id and p.mailbox_id = m.id
        group by m.account_id, m.id
        having m.message_count <> counted or m.size_bytes <> bytes or m.unseen_count <> unseen""",
    "messages of an account": """
        select a.account_id, a.message_count, a.used_bytes, count(p.uid) as counted,
               coalesce(sum(p.size), 0) as bytes
        from mail_account a left join placement p on p.account_id = a.account_id
        group by a.account_id having a.message_count <> counted or a.used_bytes <> bytes""",
    "messages of an organisation": """
        select o.organisation_id, o.message_count, o.used_bytes,
               coalesce(sum(a.message_count), 0) as counted, coalesce(sum(a.used_bytes), 0) as bytes
        from mail_organisation o left join mail_account a on a.organisation_id = o.organisation_id
        group by o.organisation_id having o.message_count <> counted or o.used_bytes <> bytes""",
    "references to a body": """
        select b.id, b.refs,
               (select count(*) from message where blob_id = b.id)
               + (select count(*) from queue_message where blob_id = b.id) as counted
        from blob b where b.refs <> counted or counted = 0""",
    "messages without a body": """
        select account_id, id from message where blob_id not in (select id from blob)""",
    "sizes": """
        select m.account_id, m.id from message m join blob b on b.id = m.blob_id
        where m.size <> b.size""",
    "placements without a message": """
        select account_id, mailbox_id, uid from placement p where not exists
        (select 1 from message where account_id = p.account_id and id = p.message_id)""",
    "messages without a place": """
        select account_id, id from message m where not exists
        (select 1 from placement where account_id = m.account_id and message_id = m.id)
        and not exists
        (select 1 from vanished where account_id = m.account_id and message_id = m.id)""",
    "UIDs that are there and gone": """
        select account_id, mailbox_id, uid from placement
        intersect select account_id, mailbox_id, uid from vanished""",
    "UIDs not given out yet": """
        select p.account_id, p.mailbox_id, p.uid from placement p
        join mailbox m on m.account_id = p.account_id and m.id = p.mailbox_id
        where p.uid >= m.uidnext or p.modseq > m.highestmodseq or p.pop3_seq >= m.pop3_next_seq""",
    "unique ids used twice": """
        select account_id, mailbox_id, pop3_uidl from
        (select account_id, mailbox_id, pop3_uidl from placement
         union all select account_id, mailbox_id, pop3_uidl from vanished
         where message_id is not null)
        group by account_id, mailbox_id, pop3_uidl having count(*) > 1""",
    "bodies that overlap": """
        select a.id, b.id from blob a join blob b on a.segment = b.segment and a.id < b.id
        and a.position < b.position + b.stored and b.position < a.position + a.stored""",
}


def check(path):
    """What is wrong in the database at `path`, in words; empty if nothing is."""
    wrong = []
    database = sqlite3.connect(path)
    try:
        answer = database.execute("pragma integrity_check").fetchall()
        if answer != [("ok",)]:
            wrong.append(f"integrity_check: {answer}")
        for what, query in QUERIES.items():
            rows = database.execute(query + " limit 5").fetchall()
            if rows:
                wrong.append(f"{what}: {rows}")
    finally:
        database.close()
    return wrong
