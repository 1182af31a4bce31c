"""A booking whose customer seems to be its own professional is flagged, and its review does not count until looked at."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# What the customer of a booking has in common with its professional. Addresses are compared by letters and digits.
SELF_BOOKING_SIGNS = """
CREATE FUNCTION self_booking_signs(customer bigint, professional bigint, line text, pin text)
RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN EXISTS (
            SELECT FROM users c JOIN users p ON p.phone = c.phone
             WHERE c.id = customer AND p.id = professional AND c.phone <> '') THEN 'phone' END,
        CASE WHEN EXISTS (
            SELECT FROM addresses p
              JOIN (SELECT line AS line, pin AS pincode
                    UNION ALL SELECT a.line, a.pincode FROM addresses a WHERE a.user_id = customer) c
                ON c.pincode = p.pincode
               AND regexp_replace(lower(c.line), '[^[:alnum:]]', '', 'g')
                   = regexp_replace(lower(p.line), '[^[:alnum:]]', '', 'g')
             WHERE p.user_id = professional) THEN 'address' END,
        CASE WHEN EXISTS (
            SELECT FROM charges c JOIN charges p ON p.method = c.method AND p.brand = c.brand AND p.last4 = c.last4
             WHERE c.customer_id = customer AND p.customer_id = professional) THEN 'payment' END,
        CASE WHEN EXISTS (
            SELECT FROM device_tokens c JOIN device_tokens p ON p.digest = c.digest
             WHERE c.user_id = customer AND p.user_id = professional) THEN 'device' END], NULL)
$$
"""
FLAG_SELF_BOOKING = """
CREATE FUNCTION flag_self_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.state = 'assigned' AND OLD.professional_id = NEW.professional_id THEN
            RETURN NEW;
        END IF;
    END IF;
    NEW.flag_signs := nullif(
        self_booking_signs(NEW.customer_id, NEW.professional_id, NEW.address, NEW.pincode), '{}');
    NEW.flag := CASE WHEN NEW.flag_signs IS NOT NULL THEN 'pending' END;
    RETURN NEW;
END $$
"""
SET_REVIEW_COUNTS = """
CREATE FUNCTION set_review_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT coalesce(b.flag = 'counts',
                    self_booking_signs(b.customer_id, b.professional_id, b.address, b.pincode) = '{}')
      INTO NEW.counts FROM bookings b WHERE b.id = NEW.booking_id;
    RETURN NEW;
END $$
"""
UPDATE_REVIEW_COUNTS = """
CREATE FUNCTION update_review_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reviews SET counts = coalesce(NEW.flag = 'counts', true) WHERE booking_id = NEW.id;
    RETURN NULL;
END $$
"""
UPDATE_BOOKING_RATING = """
CREATE OR REPLACE FUNCTION update_booking_rating() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE bookings SET rating = NULL WHERE id = OLD.booking_id;
    ELSE
        UPDATE bookings SET rating = CASE WHEN NEW.counts THEN NEW.rating END WHERE id = NEW.booking_id;
    END IF;
    RETURN NULL;
END $$
"""
UPDATE_BOOKING_RATING_BEFORE = """
CREATE OR REPLACE FUNCTION update_booking_rating() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bookings SET rating = CASE TG_OP WHEN 'DELETE' THEN NULL ELSE NEW.rating END
     WHERE id = CASE TG_OP WHEN 'DELETE' THEN OLD.booking_id ELSE NEW.booking_id END;
    RETURN NULL;
END $$
"""
RATING_TRIGGER = (
    "CREATE TRIGGER reviews_booking_rating AFTER INSERT OR DELETE OR UPDATE OF {columns} ON reviews"
    " FOR EACH ROW EXECUTE FUNCTION update_booking_rating()"
)


def upgrade() -> None:
    op.add_column("bookings", sa.Column("flag", sa.Text(), nullable=True))
    op.add_column("bookings", sa.Column("flag_signs", postgresql.ARRAY(sa.Text()), nullable=True))
    op.create_check_constraint(
        "bookings_flag_check",
        "bookings",
        "(flag IS NULL) = (flag_signs IS NULL) AND flag IN ('pending', 'counts', 'excluded')"
        " AND cardinality(flag_signs) > 0",
    )
    op.create_index(
        "bookings_flag_idx", "bookings", ["flag", "starts_at", "id"], postgresql_where=sa.text("flag IS NOT NULL")
    )
    op.add_column("reviews", sa.Column("counts", sa.Boolean(), server_default="true", nullable=False))
    for function in (SELF_BOOKING_SIGNS, FLAG_SELF_BOOKING, SET_REVIEW_COUNTS, UPDATE_REVIEW_COUNTS):
        op.execute(function)
    op.execute(UPDATE_BOOKING_RATING)
    op.execute("DROP TRIGGER reviews_booking_rating ON reviews")
    op.execute(RATING_TRIGGER.format(columns="rating, counts"))
    op.execute(
        "CREATE TRIGGER bookings_flag_self_booking BEFORE INSERT OR UPDATE OF state, professional_id ON bookings"
        " FOR EACH ROW WHEN (NEW.state = 'assigned') EXECUTE FUNCTION flag_self_booking()"
    )
    op.execute(
        "CREATE TRIGGER bookings_review_counts AFTER UPDATE OF flag ON bookings"
        " FOR EACH ROW WHEN (NEW.flag IS DISTINCT FROM OLD.flag) EXECUTE FUNCTION update_review_counts()"
    )
    op.execute(
        "CREATE TRIGGER reviews_counts BEFORE INSERT OR UPDATE OF counts ON reviews"
        " FOR EACH ROW EXECUTE FUNCTION set_review_counts()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER reviews_counts ON reviews")
    op.execute("DROP TRIGGER bookings_review_counts ON bookings")
    op.execute("DROP TRIGGER bookings_flag_self_booking ON bookings")
    op.execute("DROP TRIGGER reviews_booking_rating ON reviews")
    op.execute(UPDATE_BOOKING_RATING_BEFORE)
    op.execute(RATING_TRIGGER.format(columns="rating"))
    for function in ("update_review_counts()", "set_review_counts()", "flag_self_booking()"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP FUNCTION self_booking_signs(bigint, bigint, text, text)")
    op.drop_column("reviews", "counts")
    op.drop_index("bookings_flag_idx", "bookings")
    op.drop_constraint("bookings_flag_check", "bookings", type_="check")
    op.drop_column("bookings", "flag_signs")
    op.drop_column("bookings", "flag")
