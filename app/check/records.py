"""Invariants of ratings, appeals, the outbox, sessions, append-only tables and constraints."""

from app.accounts.ratings import REVIEW_COUNT_SQL
from app.check.invariants import Invariant

RECORD_INVARIANTS = (
    Invariant(
        "flagged-reviews-do-not-count",
        "A hidden review doesn't count, that of a flagged booking only after an admin decided so, each other one does",
        """
        SELECT 'review ' || r.id FROM reviews r JOIN bookings b ON b.id = r.booking_id
         WHERE r.counts <> (coalesce(b.flag = 'counts', true) AND r.hidden_at IS NULL)
        """,
    ),
    Invariant(
        "reviews-match-history",
        "A review is hidden exactly when the last decision in its history hid it; then no report of it waits",
        """
        SELECT 'review ' || r.id FROM reviews r JOIN bookings b ON b.id = r.booking_id
          LEFT JOIN LATERAL (
               SELECT e.name FROM events e WHERE e.subject = 'booking-' || b.reference
                  AND e.name IN ('booking.review_hidden', 'booking.review_shown')
                ORDER BY e.seq DESC LIMIT 1) last ON true
         WHERE (r.hidden_at IS NOT NULL) <> coalesce(last.name = 'booking.review_hidden', false)
        UNION ALL
        SELECT 'review ' || p.review_id FROM review_reports p JOIN reviews r ON r.id = p.review_id
         WHERE p.settled_at IS NULL AND r.hidden_at IS NOT NULL
        """,
    ),
    Invariant(
        "ratings-match-reviews",
        "The stored ratings and job counts match the reviews and the completed jobs",
        f"""
        SELECT 'service ' || service_id FROM (
            SELECT service_id, rating, count(*) AS n FROM reviews WHERE counts GROUP BY 1, 2
            EXCEPT ALL
            SELECT service_id, star, n FROM service_ratings
              CROSS JOIN LATERAL (VALUES (1, one), (2, two), (3, three), (4, four), (5, five)) v(star, n) WHERE n > 0) a
        UNION ALL
        SELECT 'service ' || service_id FROM service_ratings r
         WHERE {REVIEW_COUNT_SQL} <> (SELECT count(*) FROM reviews WHERE counts AND service_id = r.service_id)
        UNION ALL
        SELECT 'professional ' || professional_id FROM (
            SELECT professional_id, rating, count(*) AS n FROM reviews WHERE counts GROUP BY 1, 2
            EXCEPT ALL
            SELECT professional_id, star, n FROM professional_ratings
              CROSS JOIN LATERAL (VALUES (1, one), (2, two), (3, three), (4, four), (5, five)) v(star, n) WHERE n > 0) a
        UNION ALL
        SELECT 'professional ' || professional_id FROM professional_ratings r
         WHERE {REVIEW_COUNT_SQL} <>
               (SELECT count(*) FROM reviews WHERE counts AND professional_id = r.professional_id)
            OR jobs <> (SELECT count(*) FROM bookings b WHERE b.professional_id = r.professional_id
                           AND b.state IN ('completed', 'closed'))
        UNION ALL
        SELECT 'professional ' || b.professional_id FROM bookings b
         WHERE b.state IN ('completed', 'closed')
           AND NOT EXISTS (SELECT 1 FROM professional_ratings r WHERE r.professional_id = b.professional_id)
        """,
    ),
    Invariant(
        "appeals-match-blocks",
        "An appeal is made in the 30 days of its block, and waits only while that is in force",
        """
        SELECT 'appeal ' || a.id FROM appeals a JOIN blocks k ON k.id = a.block_id
         WHERE a.created_at < k.created_at OR a.created_at >= k.created_at + interval '30 days'
            OR (a.decided_at IS NULL AND k.lifted_at IS NOT NULL)
            OR (a.outcome = 'lift' AND k.lifted_at IS NULL)
            OR a.decided_at < a.created_at
        """,
    ),
    Invariant(
        "appeals-decided-by-another-admin",
        "The admin who blocked keeps the block after an appeal only as the only admin",
        """
        SELECT 'appeal ' || a.id FROM appeals a JOIN blocks k ON k.id = a.block_id
         WHERE (a.outcome = 'keep' AND a.decided_by_id = k.blocked_by_id AND NOT a.only_admin)
            OR (a.only_admin AND a.decided_by_id <> k.blocked_by_id)
        """,
    ),
    Invariant(
        "messages-match-bookings",
        "A message is by the customer or the professional of its thread, from acceptance on, with the photos it counts",
        """
        SELECT 'message ' || m.id FROM booking_messages m JOIN bookings b ON b.id = m.booking_id
         WHERE m.author_id NOT IN (b.customer_id, m.professional_id) OR b.customer_id = m.professional_id
            OR m.created_at < b.created_at OR m.created_at >= b.completed_at + interval '24 hours'
            OR m.photo_count <> (SELECT count(*) FROM photos p WHERE p.message_id = m.id)
        """,
    ),
    Invariant(
        "photos-match-what-they-were-sent-with",
        "A photo was sent by the author of its message or appeal; of cases and appeals all or, later, none are left",
        """
        SELECT 'photo ' || p.id FROM photos p
          LEFT JOIN booking_messages m ON m.id = p.message_id
          LEFT JOIN case_messages c ON c.id = p.case_message_id
          LEFT JOIN (appeals a JOIN blocks k ON k.id = a.block_id) ON a.id = p.appeal_id
         WHERE p.uploader_id <> coalesce(m.author_id, c.author_id, k.user_id)
        UNION ALL
        SELECT s.what FROM (
            SELECT 'case message ' || c.id AS what, c.photo_count AS counted, c.created_at AS at,
                   (SELECT count(*) FROM photos p WHERE p.case_message_id = c.id) AS stored FROM case_messages c
             WHERE c.photo_count > 0 OR EXISTS (SELECT FROM photos p WHERE p.case_message_id = c.id)
            UNION ALL
            SELECT 'appeal ' || a.id, a.photo_count, a.created_at,
                   (SELECT count(*) FROM photos p WHERE p.appeal_id = a.id) FROM appeals a
             WHERE a.photo_count > 0 OR EXISTS (SELECT FROM photos p WHERE p.appeal_id = a.id)) s
         WHERE s.stored <> s.counted AND (s.stored > 0 OR s.at > now() - interval '180 days')
        """,
    ),
    Invariant(
        "outbox-rows-settled-once",
        "An outbox row is sent or abandoned, never both, and has a limited number of attempts",
        """
        SELECT 'outbox ' || id FROM outbox
         WHERE (sent_at IS NOT NULL AND parked_at IS NOT NULL) OR attempts > 20
            OR (sent_at IS NOT NULL AND attempts = 0)
        """,
    ),
    Invariant(
        "sessions-are-current",
        "No session has a later password epoch than its user or lasts longer than 90 days",
        """
        SELECT 'session ' || s.id FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.epoch > u.epoch OR s.expires_at > s.created_at + interval '90 days 1 minute'
        """,
    ),
    Invariant(
        "history-cannot-be-changed",
        "Events and the ledger are protected by triggers, and this role may only append to them",
        """
        SELECT tables.name || ' has no trigger' FROM unnest(CAST(:append_only AS text[])) tables(name)
         WHERE 2 <> (
               SELECT count(*) FROM pg_trigger g
                WHERE g.tgrelid = tables.name::regclass AND g.tgenabled = 'O'
                  AND g.tgname IN (tables.name || '_append_only', tables.name || '_no_truncate'))
        UNION ALL
        SELECT tables.name || ' may be changed by ' || current_user
          FROM unnest(CAST(:append_only AS text[])) tables(name)
         WHERE has_table_privilege(tables.name, 'UPDATE, DELETE, TRUNCATE')
           AND pg_get_userbyid((SELECT relowner FROM pg_class WHERE oid = tables.name::regclass)) <> current_user
        """,
    ),
    Invariant(
        "constraints-are-valid",
        "Every constraint of the schema is validated",
        """
        SELECT conrelid::regclass || '.' || conname FROM pg_constraint
         WHERE NOT convalidated AND connamespace = 'public'::regnamespace
        """,
    ),
    Invariant(
        "constraints-exist",
        "Every constraint that the models declare exists and is validated",
        """
        SELECT expected FROM unnest(CAST(:constraints AS text[])) expected
        EXCEPT SELECT conrelid::regclass || '.' || conname FROM pg_constraint WHERE convalidated
        EXCEPT SELECT indrelid::regclass || '.' || indexrelid::regclass FROM pg_index WHERE indisunique AND indisvalid
        """,
    ),
)
