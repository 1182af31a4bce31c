"""What must be true of ratings, mails, sessions and of history itself."""

from app.check.invariants import Invariant

RECORDS = (
    Invariant(
        "ratings-are-a-recount",
        "Stars and jobs shown are the stars given and the jobs done",
        """
        SELECT 'service ' || service_id FROM (
            SELECT service_id, rating, count(*) AS n FROM reviews GROUP BY 1, 2
            EXCEPT ALL
            SELECT service_id, star, n FROM service_ratings
              CROSS JOIN LATERAL (VALUES (1, one), (2, two), (3, three), (4, four), (5, five)) v(star, n) WHERE n > 0) a
        UNION ALL
        SELECT 'service ' || service_id FROM service_ratings r
         WHERE one + two + three + four + five <> (SELECT count(*) FROM reviews WHERE service_id = r.service_id)
        UNION ALL
        SELECT 'professional ' || professional_id FROM (
            SELECT professional_id, rating, count(*) AS n FROM reviews GROUP BY 1, 2
            EXCEPT ALL
            SELECT professional_id, star, n FROM professional_ratings
              CROSS JOIN LATERAL (VALUES (1, one), (2, two), (3, three), (4, four), (5, five)) v(star, n) WHERE n > 0) a
        UNION ALL
        SELECT 'professional ' || professional_id FROM professional_ratings r
         WHERE one + two + three + four + five <>
               (SELECT count(*) FROM reviews WHERE professional_id = r.professional_id)
            OR jobs <> (SELECT count(*) FROM bookings b WHERE b.professional_id = r.professional_id
                           AND b.state IN ('completed', 'closed'))
        UNION ALL
        SELECT 'professional ' || b.professional_id FROM bookings b
         WHERE b.state IN ('completed', 'closed')
           AND NOT EXISTS (SELECT 1 FROM professional_ratings r WHERE r.professional_id = b.professional_id)
        """,
    ),
    Invariant(
        "outbox-ends-once",
        "A mail is sent or given up, never both, and never tried without end",
        """
        SELECT 'outbox ' || id FROM outbox
         WHERE (sent_at IS NOT NULL AND parked_at IS NOT NULL) OR attempts > 20
            OR (sent_at IS NOT NULL AND attempts = 0)
        """,
    ),
    Invariant(
        "sessions-are-current",
        "No session outlives the password or the account that it was opened with",
        """
        SELECT 'session ' || s.id FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.epoch > u.epoch OR s.expires_at > s.created_at + interval '90 days 1 minute'
        """,
    ),
    Invariant(
        "history-cannot-be-changed",
        "Events and the ledger are guarded by their triggers, and this role may only add to them",
        """
        SELECT tables.name || ' has no guard' FROM unnest(CAST(:append_only AS text[])) tables(name)
         WHERE 2 <> (
               SELECT count(*) FROM pg_trigger g
                WHERE g.tgrelid = tables.name::regclass AND g.tgenabled = 'O'
                  AND g.tgname IN (tables.name || '_append_only', tables.name || '_never_emptied'))
        UNION ALL
        SELECT tables.name || ' may be changed by ' || current_user
          FROM unnest(CAST(:append_only AS text[])) tables(name)
         WHERE has_table_privilege(tables.name, 'UPDATE, DELETE, TRUNCATE')
           AND pg_get_userbyid((SELECT relowner FROM pg_class WHERE oid = tables.name::regclass)) <> current_user
        """,
    ),
    Invariant(
        "constraints-are-whole",
        "Every rule of the schema is in force for every row",
        """
        SELECT conrelid::regclass || '.' || conname FROM pg_constraint
         WHERE NOT convalidated AND connamespace = 'public'::regnamespace
        """,
    ),
    Invariant(
        "guards-stand",
        "Every constraint that the code relies on exists and is in force: one booking in a time, one mail of a kind, "
        "one report of a month",
        """
        SELECT guard FROM unnest(CAST(:guards AS text[])) guard
        EXCEPT SELECT conrelid::regclass || '.' || conname FROM pg_constraint WHERE convalidated
        EXCEPT SELECT indrelid::regclass || '.' || indexrelid::regclass FROM pg_index WHERE indisunique AND indisvalid
        """,
    ),
)
