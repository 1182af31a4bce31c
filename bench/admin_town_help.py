"""What went wrong in the town of `bench admin`: cases, messages, refunds, appeals and reported reviews, by SQL.

Of the latest completed bookings, one case each; every 25th is open. Reviews and blocks are a hundredth of that.
"""

import asyncpg

# $1: how many cases.
OF_BOOKINGS = """
    SELECT b.*, row_number() OVER (ORDER BY b.id DESC) AS n, b.completed_at + interval '1 hour' AS at
      FROM bookings b WHERE b.state IN ('completed', 'closed') ORDER BY b.id DESC LIMIT $1
"""
ADMIN = "(SELECT min(id) FROM users WHERE role = 'admin')"
CASES = f"""
    INSERT INTO cases (reference, booking_id, opened_by_id, side, professional_id, topic, state, opened_at,
                       answer_due_at, decide_due_at, queue_at, first_answer_at, decided_at, decided_by_id, outcomes,
                       reason)
    SELECT b.reference, b.id, b.customer_id, 'customer', b.professional_id,
           (ARRAY['quality', 'price', 'late'])[1 + n % 3], CASE WHEN n % 25 = 0 THEN 'open' ELSE 'decided' END,
           at, at + interval '24 hours', at + interval '72 hours', at + interval '72 hours',
           CASE WHEN n % 25 <> 0 THEN at + interval '2 hours' END,
           CASE WHEN n % 25 <> 0 THEN at + interval '20 hours' END, CASE WHEN n % 25 <> 0 THEN {ADMIN} END,
           CASE WHEN n % 25 <> 0 THEN ARRAY['none'] END, CASE WHEN n % 25 <> 0 THEN 'It was done as booked.' END
      FROM ({OF_BOOKINGS}) b
"""
CASE_MESSAGES = """
    INSERT INTO case_messages (case_id, author_id, text, created_at)
    SELECT c.id, CASE WHEN k = 2 THEN c.professional_id ELSE c.opened_by_id END, 'The tap leaks again.',
           c.opened_at + k * interval '10 minutes' - interval '10 minutes'
      FROM cases c, generate_series(1, 3) k
"""
BOOKING_MESSAGES = f"""
    INSERT INTO booking_messages (booking_id, professional_id, author_id, text, created_at, read_at)
    SELECT b.id, b.professional_id, CASE WHEN k = 1 THEN b.customer_id ELSE b.professional_id END, 'The gate is open.',
           b.started_at, b.started_at FROM ({OF_BOOKINGS}) b, generate_series(1, 2) k
"""
REFUNDS = f"""
    INSERT INTO refunds (booking_id, amount, reason, state, requested_at, requested_by_id, attempts, sent_at, failed_at,
                         failure)
    SELECT b.id, 1000, 'It leaks.', CASE WHEN n % 50 = 0 THEN 'requested' ELSE 'failed' END, at, {ADMIN}, 1,
           at, CASE WHEN n % 50 <> 0 THEN at END, CASE WHEN n % 50 <> 0 THEN 'declined' END FROM ({OF_BOOKINGS}) b
"""
APPEALS = f"""
    WITH blocked AS (
        INSERT INTO blocks (user_id, blocked_by_id, reason, created_at)
        SELECT id, {ADMIN}, 'Three complaints.', now() - interval '10 days' FROM users WHERE role = 'customer'
         ORDER BY id DESC LIMIT $1 / 100 RETURNING id, created_at)
    INSERT INTO appeals (block_id, message, created_at)
    SELECT id, 'I paid in full.', created_at + interval '1 day' FROM blocked
"""
REPORTS = """
    INSERT INTO review_reports (review_id, reporter_id, reason, created_at)
    SELECT id, professional_id, 'It names a neighbour.', now() FROM reviews ORDER BY id DESC LIMIT $1 / 100
"""


async def add_help(owner: "asyncpg.Connection[asyncpg.Record]", cases: int) -> None:
    """Insert what belongs to `cases` cases."""
    await owner.execute(CASES, cases)
    await owner.execute(CASE_MESSAGES)
    for statement in (BOOKING_MESSAGES, REFUNDS, APPEALS, REPORTS):
        await owner.execute(statement, cases)
