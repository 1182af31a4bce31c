"""For every constraint of the schema one statement that breaks it; {name} is a value of the town."""

from tests.check.broken_rows import (
    APPEAL,
    BANK_ACCOUNT,
    DEVICE_TOKEN,
    ENTRY,
    QUESTION,
    RECEIPT,
    SAME,
    SAME_PHOTO,
    SAVED_METHOD,
    SETTING,
    SIGN_IN_CODE,
    TAX_IDENTITY,
    TAX_RATE,
    TIP,
    TRANSACTION,
    UPI_METHOD,
    booking,
    case,
    document,
    export,
    invoice,
    made,
)

CHECKS = {
    "tips_amount_check": made("tips", TIP, amount="99"),
    "tips_state_check": made("tips", TIP, state="'lost'", method="'upi'"),
    "tips_method_check": made("tips", TIP, state="'needs_code'", method="'cash'"),
    "tips_last4_check": made("tips", TIP, last4="'42'"),
    "tips_paid_check": made("tips", TIP, state="'paid'", method="'upi'"),
    "bank_accounts_kind_check": made("bank_accounts", BANK_ACCOUNT, kind="'upi'"),
    "bank_accounts_ifsc_check": made("bank_accounts", BANK_ACCOUNT, ifsc="'SBIN'"),
    "bank_accounts_masked_check": made("bank_accounts", BANK_ACCOUNT, masked="repeat('x', 41)"),
    "bank_accounts_number_check": made("bank_accounts", BANK_ACCOUNT, encrypted_number="NULL", ended_at="NULL"),
    "bank_accounts_times_check": made("bank_accounts", BANK_ACCOUNT, ended_at="now() - interval '1 day'"),
    "ledger_days_amounts_check": "INSERT INTO ledger_days VALUES (now(), 'tips', -1, 0, 0)",
    "payouts_amount_check": "UPDATE payouts SET amount = amount + 1",
    "payouts_state_check": "UPDATE payouts SET state = 'lost', decided_at = now(), decided_by_id = professional_id",
    "payouts_decided_check": "UPDATE payouts SET decided_at = now()",
    "payouts_reference_check": "UPDATE payouts SET state = 'paid', reference = '', decided_at = now(),"
    " decided_by_id = professional_id",
    "payouts_reason_check": "UPDATE payouts SET state = 'failed', reason = '', decided_at = now(),"
    " decided_by_id = professional_id",
    "charges_released_check": "UPDATE charges SET released = amount + 1",
    "charges_coupon_check": "UPDATE charges SET coupon = 'WELCOME50' WHERE method <> 'coupon'",
    "charges_masked_id_check": "UPDATE charges SET masked_id = 'asha@bank'",
    "coupons_code_check": "UPDATE coupons SET code = 'no'",
    "coupons_kind_check": "UPDATE coupons SET kind = 'gift'",
    "coupons_value_check": "UPDATE coupons SET value = 0",
    "coupons_cap_check": "UPDATE coupons SET kind = 'amount', cap = 100",
    "coupons_until_day_check": "UPDATE coupons SET until_day = from_day - 1",
    "coupons_per_person_check": "UPDATE coupons SET per_person = 0",
    "coupons_total_check": "UPDATE coupons SET total = 0",
    "coupons_used_check": "UPDATE coupons SET total = 1, used = 2",
    "coupon_uses_amount_check": "UPDATE coupon_uses SET amount = 0",
    "coupon_uses_nth_check": "UPDATE coupon_uses SET nth = 0",
    "coupon_uses_freed_at_check": "UPDATE coupon_uses SET freed_at = used_at - interval '1 second'",
    "credit_balances_balance_check": "UPDATE credit_balances SET balance = -1",
    "referrals_inviter_id_check": "UPDATE referrals SET inviter_id = friend_id",
    "referrals_outcome_check": "UPDATE referrals SET outcome = 'luck', decided_at = now()",
    "referrals_decided_check": "UPDATE referrals SET outcome = 'granted', decided_at = NULL",
    "refunds_amount_check": "UPDATE refunds SET amount = 0, released = 0",
    "refunds_borne_by_check": "UPDATE refunds SET borne_by = 'chance'",
    "refunds_confirmed_check": "UPDATE refunds SET confirmed_at = now(), confirmed_by_id = requested_by_id",
    "refunds_reason_check": "UPDATE refunds SET reason = ''",
    "refunds_released_check": "UPDATE refunds SET released = amount + 1",
    "refunds_state_check": "UPDATE refunds SET state = 'lost'",
    "refunds_times_check": "UPDATE refunds SET done_at = NULL WHERE state = 'done'",
    "tax_identities_gstin_check": made("tax_identities", TAX_IDENTITY, gstin="'33AAAAA0000A1Z'"),
    "tax_identities_business_name_check": made("tax_identities", TAX_IDENTITY, business_name="repeat('x', 121)"),
    "tax_identities_empty_check": made("tax_identities", TAX_IDENTITY, business_name="''"),
    "tax_rates_supply_check": made("tax_rates", TAX_RATE, supply="'gifts'"),
    "tax_rates_form_check": made("tax_rates", TAX_RATE, form="'10'"),
    "tax_rates_rate_check": made("tax_rates", TAX_RATE, rate="1801"),
    "tax_rates_sac_check": made("tax_rates", TAX_RATE, sac="'99'"),
    "tax_rates_category_check": made(
        "tax_rates", TAX_RATE, supply="'commission'", category_id="(SELECT min(id) FROM categories)"
    ),
    "invoice_counters_last_check": "INSERT INTO invoice_counters VALUES ('X', '2627', 0)",
    "invoices_kind_check": invoice(kind="'bill'"),
    "invoices_number_check": invoice(number="repeat('1', 17)"),
    "invoices_sequence_check": invoice(sequence="0"),
    "invoices_sum_check": invoice(tax="1"),
    "invoices_corrects_check": invoice(kind="'credit_note'"),
    "invoices_transactions_check": invoice(transaction_ids="ARRAY[t.id + 1]"),
    "settings_name_check": made("settings", SETTING, name="'motto'"),
    "settings_value_check": made("settings", SETTING, value="'12345'"),
    "booking_messages_text_check": "UPDATE booking_messages SET text = repeat('x', 2001)",
    "booking_messages_content_check": "UPDATE booking_messages SET text = '', photo_count = 0",
    "booking_messages_read_check": "UPDATE booking_messages SET read_at = created_at - interval '1 second'",
    "cases_withheld_check": "UPDATE cases SET withheld = 1 WHERE state = 'decided'",
    "cases_payout_released_check": "UPDATE cases SET payout_released = 1 WHERE state = 'open'",
    "photos_position_check": "UPDATE photos SET position = 6",
    "photos_size_check": "UPDATE photos SET width = 1601",
    "photos_owner_check": "UPDATE photos SET message_id = NULL",
    "cases_side_check": "UPDATE cases SET side = 'admin'",
    "cases_topic_check": "UPDATE cases SET topic = 'weather'",
    "cases_outcomes_check": "UPDATE cases SET outcomes = '{{}}' WHERE state = 'decided'",
    "cases_amount_check": "UPDATE cases SET amount = 0, borne_by = 'doorstep' WHERE state = 'decided'",
    "cases_reason_check": "UPDATE cases SET reason = '' WHERE state = 'decided'",
    "cases_state_check": "UPDATE cases SET reason = 'x' WHERE state = 'open'",
    "case_messages_text_check": "UPDATE case_messages SET text = repeat('x', 2001)",
    "case_messages_content_check": "UPDATE case_messages SET text = '', photo_count = 0",
    "users_admin_right_check": "UPDATE users SET admin_right = 'king'",
    "review_reports_reason_check": "UPDATE review_reports SET reason = ''",
    "reviews_answer_check": "UPDATE reviews SET answer = 'x' WHERE answer IS NULL",
    "reviews_hidden_check": "UPDATE reviews SET hidden_reason = NULL WHERE hidden_at IS NOT NULL",
    "appeals_decided_check": made("appeals", APPEAL, decided_at="now()"),
    "appeals_message_check": made("appeals", APPEAL, message="''"),
    "appeals_photo_count_check": "UPDATE appeals SET photo_count = 6",
    "appeals_outcome_check": "UPDATE appeals SET outcome = 'perhaps' WHERE outcome = 'keep'",
    "appeals_reason_check": "UPDATE appeals SET reason = '' WHERE outcome = 'keep'",
    "bookings_flag_check": booking("flag = 'pending'"),
    "saved_methods_last4_check": made("saved_methods", SAVED_METHOD, last4="'42x2'"),
    "saved_methods_masked_id_check": made("saved_methods", UPI_METHOD, masked_id="'asha@bank'"),
    "saved_methods_method_check": made("saved_methods", SAVED_METHOD, method="'cheque'"),
    "sign_in_codes_attempts_check": made("sign_in_codes", SIGN_IN_CODE, attempts="6"),
    "sign_in_codes_digest_check": made("sign_in_codes", SIGN_IN_CODE, digest="'x'"),
    "sign_in_codes_expires_at_check": made("sign_in_codes", SIGN_IN_CODE, expires_at="now() + interval '11 minutes'"),
    "device_tokens_digest_check": made("device_tokens", DEVICE_TOKEN, digest="'x'"),
    "device_tokens_expires_at_check": made("device_tokens", DEVICE_TOKEN, expires_at="now() + interval '91 days'"),
    "pincodes_pincode_check": "UPDATE pincodes SET pincode = '012345' WHERE pincode = '744301'",
    "users_full_name_check": "UPDATE users SET full_name = ''",
    "users_role_check": "UPDATE users SET role = 'owner'",
    "addresses_line_check": "UPDATE addresses SET line = ''",
    "addresses_details_check": "UPDATE addresses SET landmark = repeat('x', 121)",
    "addresses_contact_check": "UPDATE addresses SET contact_phone = 'none'",
    "blocks_reason_check": "UPDATE blocks SET reason = ''",
    "blocks_lifted_check": "UPDATE blocks SET lifted_at = now()",
    "documents_decided_check": document(state="'approved'"),
    "documents_kind_check": document(kind="'passport photo'"),
    "documents_media_type_check": document(media_type="'text/html'"),
    "documents_name_check": document(name="''"),
    "documents_pages_check": document(pages="0"),
    "documents_photo_check": document(kind="'photo'", pages="2"),
    "documents_sha256_check": document(sha256="'x'"),
    "documents_size_check": document(size="10485761"),
    "documents_state_check": document(state="'lost'", decided_at="now()"),
    "unmet_searches_searches_check": "INSERT INTO unmet_searches (day, pincode, searches) VALUES (now(), '600020', 0)",
    "verifications_decided_check": case(state="'denied'", decided_at="now()"),
    "verifications_kind_check": case(kind="'whim'"),
    "verifications_message_check": case(message="repeat('x', 1001)"),
    "verifications_state_check": case(state="'lost'", decided_at="now()"),
    "outbox_channel_check": "UPDATE outbox SET channel = 'Pigeon post'",
    "outbox_priority_check": "UPDATE outbox SET priority = 3",
    "channel_states_failures_check": "INSERT INTO channel_states (channel, failures) VALUES ('chat', -1)",
    "exports_kind_check": export(kind="'secrets'"),
    "exports_ready_check": export(state="'ready'"),
    "exports_rows_check": export(rows_done="-1"),
    "exports_state_check": export(state="'lost'"),
    "monthly_reports_month_check": "INSERT INTO monthly_reports (user_id, month, facts, created_at)"
    " SELECT id, '2026-11-02', '{{}}', now() FROM users",
    "muted_topics_channel_check": "INSERT INTO muted_topics SELECT id, 'bookings', 'Pigeon post' FROM users",
    "muted_topics_topic_check": "INSERT INTO muted_topics SELECT id, 'codes', 'email' FROM users",
    "quiet_hours_span_check": "INSERT INTO quiet_hours SELECT id, 60, 60 FROM users",
    "schedule_runs_one_end_check": "INSERT INTO schedule_runs (name, tick, finished_at, failed_at)"
    " VALUES ('x', now(), now(), now())",
    "sessions_kind_check": "UPDATE sessions SET kind = 'pigeon'",
    "email_links_purpose_check": "UPDATE email_links SET purpose = 'enter'",
    "outbox_recipient_check": "UPDATE outbox SET recipient_id = NULL, address = NULL",
    "professionals_approved_check": "UPDATE professionals SET approved_at = NULL WHERE approval_status = 'approved'",
    "professionals_experience_check": "UPDATE professionals SET experience_years = 71",
    "professionals_approval_status_check": "UPDATE professionals SET approval_status = 'famous', approved_at = NULL",
    "professionals_languages_check": "UPDATE professionals SET languages = ARRAY['ta', 'xx']",
    "service_questions_answer_check": made("service_questions", QUESTION, answer="''"),
    "service_questions_position_check": made("service_questions", QUESTION, position="9"),
    "service_questions_question_check": made("service_questions", QUESTION, question="repeat('x', 161)"),
    "services_guarantee_check": "UPDATE services SET guarantee = repeat('x', 301)",
    "services_parts_check": "UPDATE services SET parts = repeat('x', 601)",
    "services_preparation_check": "UPDATE services SET preparation = array_fill('x'::text, ARRAY[13])",
    "services_minutes_check": "UPDATE services SET minutes = 14",
    "services_mode_check": "UPDATE services SET mode = 'auction'",
    "services_price_check": "UPDATE services SET price = 0",
    "services_window_check": "UPDATE services SET horizon_days = 0",
    "bookings_assigned_check": booking("professional_id = NULL"),
    "bookings_cancelled_as_check": booking("cancelled_as = 'whim'", "no_show"),
    "bookings_cancelled_check": booking("cancelled_at = NULL", "no_show"),
    "bookings_completed_check": booking("completed_at = NULL", "completed"),
    "bookings_ends_check": booking("minutes = minutes + 1"),
    "bookings_held_check": booking("held_until = NULL", "held"),
    "bookings_minutes_check": booking("minutes = 0, ends_at = starts_at"),
    "bookings_money_check": booking("fee = price + 1"),
    "bookings_payment_check": booking("payment = 'gold'"),
    "bookings_requested_check": booking("payment = NULL", "requested"),
    "bookings_state_check": booking("state = 'lost'"),
    "bookings_eta_check": booking("eta_from = now(), eta_until = now() + interval '14 minutes'"),
    "bookings_late_count_check": booking("late_count = 3"),
    "bookings_place_check": booking("floor = repeat('x', 41)"),
    "bookings_contact_check": booking("contact_name = 'Lakshmi'"),
    "bookings_text_check": booking("note = repeat('x', 501)"),
    "offered_services_approval_status_check": "UPDATE offered_services SET approval_status = 'maybe'",
    "search_terms_language_check": "INSERT INTO search_terms (term, language, category_id)"
    " SELECT 'x', 'fr', id FROM categories",
    "search_terms_target_check": "INSERT INTO search_terms (term, language) VALUES ('x', 'en')",
    "time_off_span_check": "UPDATE time_off SET span = 'empty'",
    "offered_hours_span_check": "UPDATE offered_hours SET opens = 10080, closes = 10081",
    "working_hours_span_check": "UPDATE working_hours SET closes = 1441",
    "working_hours_weekday_check": "UPDATE working_hours SET weekday = 7",
    "charges_amount_check": "UPDATE charges SET amount = 0, captured = 0",
    "charges_captured_check": "UPDATE charges SET captured = amount + 1",
    "charges_last4_check": "UPDATE charges SET last4 = '42a2'",
    "charges_method_check": "UPDATE charges SET method = 'cheque'",
    "charges_purpose_check": "UPDATE charges SET purpose = 'gift'",
    "charges_refunded_check": "UPDATE charges SET refunded = captured + 1",
    "charges_state_check": "UPDATE charges SET state = 'lost'",
    "codes_attempts_check": "UPDATE codes SET attempts = 11",
    "codes_one_end_check": "UPDATE codes SET voided_at = now() WHERE used_at IS NOT NULL",
    "codes_phase_check": "UPDATE codes SET phase = 'middle'",
    "codes_erased_check": "UPDATE codes SET encrypted_code = 'x' WHERE used_at IS NOT NULL",
    "declines_kind_check": "INSERT INTO declines SELECT id, professional_id, 'laughed', '', now() FROM bookings"
    " WHERE reference = '{completed}'",
    "exclusions_excluded_by_check": "INSERT INTO exclusions SELECT customer_id, professional_id, 'admin', now()"
    " FROM bookings WHERE reference = '{completed}'",
    "disputes_text_check": "INSERT INTO disputes SELECT id, customer_id, '', now() FROM bookings",
    "extras_answered_check": "UPDATE extras SET state = 'approved'",
    "extras_price_check": "UPDATE extras SET price = 99",
    "extras_state_check": "UPDATE extras SET state = 'perhaps', answered_at = now()",
    "extras_text_check": "UPDATE extras SET text = ''",
    "reviews_comment_check": "UPDATE reviews SET comment = repeat('x', 2001)",
    "reviews_rating_check": "UPDATE reviews SET rating = 6",
    "ledger_transactions_kind_check": TRANSACTION.format("booking_id, charge_id, 'gift', at"),
    "ledger_transactions_booking_check": TRANSACTION.format("NULL, charge_id, kind, at"),
    "ledger_entries_account_check": ENTRY.format("transaction_id, 'pocket', person_id, amount"),
    "ledger_entries_amount_check": ENTRY.format("transaction_id, account, person_id, 0"),
    "receipt_keys_public_key_check": "INSERT INTO receipt_keys (key_id, public_key, first_used_at)"
    " VALUES ('x', 'short', now())",
    "handover_receipts_digest_check": RECEIPT.format("booking_id", "key_id", "receipt", "'short'"),
    "handover_receipts_receipt_check": RECEIPT.format("booking_id", "key_id", "'a.b'", "digest"),
    "webhooks_previous_secret_check": "UPDATE webhooks SET previous_secret_until = now()",
    "webhooks_url_check": "UPDATE webhooks SET url = 'http://program.example/'",
}

UNIQUE = {
    "receipt_keys_key_id_key": SAME.format("receipt_keys", "key_id, public_key, first_used_at"),
    "handover_receipts_booking_id_key": RECEIPT.format("booking_id", "key_id", "receipt", "substr(sha256('x'), 1, 16)"),
    "handover_receipts_digest_key": RECEIPT.format(
        "(SELECT min(id) FROM bookings WHERE state = 'held')", "key_id", "receipt", "digest"
    ),
    "tax_identities_pkey": made("tax_identities", TAX_IDENTITY) + ", generate_series(1, 2)",
    "tax_rates_day_key": made("tax_rates", TAX_RATE),
    "invoice_counters_pkey": "INSERT INTO invoice_counters VALUES ('X', '2627', 1), ('X', '2627', 2)",
    "invoices_number_key": invoice(number="'X/1'"),
    "invoices_sequence_key": invoice(sequence="1"),
    "invoices_transaction_key": invoice()
    + " UNION ALL "
    + invoice(number="'Y/' || t.id", sequence="-t.id + 1000000").partition(") ")[2],
    "settings_pkey": made("settings", SETTING) + ", generate_series(1, 2)",
    "ledger_transactions_withheld_key": "INSERT INTO ledger_transactions (booking_id, kind, at) SELECT id, 'withheld',"
    " created_at FROM (SELECT id, created_at FROM bookings LIMIT 1) AS booking, generate_series(1, 2)",
    "photos_message_id_key": SAME_PHOTO.format("message_id, position, 'other'", "message_id"),
    "photos_case_message_id_key": SAME_PHOTO.format("case_message_id, position, 'other'", "case_message_id"),
    "photos_appeal_id_key": SAME_PHOTO.format("appeal_id, position, 'other'", "appeal_id"),
    "photos_stored_as_key": SAME_PHOTO.format("message_id, 5, stored_as", "message_id"),
    "cases_reference_key": "UPDATE cases SET reference = 'SAMESAME'",
    "cases_open_key": "INSERT INTO cases (reference, booking_id, opened_by_id, side, topic, state, opened_at,"
    " answer_due_at, decide_due_at, queue_at) SELECT 'SAMESAME', booking_id, opened_by_id, side, topic, state,"
    " opened_at, answer_due_at, decide_due_at, queue_at FROM cases WHERE state = 'open'",
    "bookings_redo_of_id_key": "UPDATE bookings SET redo_of_id = (SELECT min(id) FROM bookings)",
    "review_reports_pkey": SAME.format("review_reports", "review_id, reporter_id, reason, created_at"),
    "appeals_block_id_key": SAME.format("appeals", "block_id, message, created_at"),
    "saved_methods_key": made("saved_methods", SAVED_METHOD) + ", generate_series(1, 2)",
    "sign_in_codes_live_key": made("sign_in_codes", SIGN_IN_CODE, email="'a@example.com'"),
    "device_tokens_user_id_digest_key": made("device_tokens", DEVICE_TOKEN) + ", generate_series(1, 2)",
    "attempts_pkey": "INSERT INTO attempts (key, first_at, wait_until) VALUES ('x', now(), now()), ('x', now(), now())",
    "calendar_feeds_digest_key": "UPDATE calendar_feeds SET digest = 'same'",
    "calendar_feeds_pkey": "INSERT INTO calendar_feeds SELECT user_id, 'x', now() FROM calendar_feeds",
    "webhooks_active_key": SAME.format("webhooks", "url, encrypted_secret, created_by_id, created_at"),
    "categories_name_key": "UPDATE categories SET name = 'Same'",
    "categories_slug_key": "UPDATE categories SET slug = 'same'",
    "events_subject_seq_key": SAME.format("events", "subject, seq, name, actor_role, at, facts, previous, hash"),
    "pincodes_pkey": "UPDATE pincodes SET pincode = '600021' WHERE pincode = '744301'",
    "users_email_key": "UPDATE users SET email = upper((SELECT email FROM users ORDER BY id LIMIT 1))",
    "addresses_main_key": "UPDATE addresses SET is_main = true",
    "blocks_active_key": SAME.format("blocks", "user_id, blocked_by_id, reason, created_at"),
    "documents_current_key": document(state="'approved'", decided_at="now()") + " CROSS JOIN generate_series(1, 2)",
    "documents_stored_as_key": document(stored_as="'same'", kind="'address'"),
    "documents_waiting_key": document() + " CROSS JOIN generate_series(1, 2)",
    "unmet_searches_key": "INSERT INTO unmet_searches (day, pincode, searches)"
    " SELECT '2026-11-24', '600020', 1 FROM generate_series(1, 2)",
    "verifications_open_key": case() + " CROSS JOIN generate_series(1, 2)",
    "channel_states_pkey": "INSERT INTO channel_states (channel) VALUES ('chat'), ('chat')",
    "exports_reference_key": export(reference="'SAMESAME'"),
    "exports_stored_as_key": export(stored_as="'same'"),
    "monthly_reports_month_key": "INSERT INTO monthly_reports (user_id, month, facts, created_at)"
    " SELECT id, '2026-11-01', '{{}}', now() FROM users CROSS JOIN generate_series(1, 2)",
    "tips_booking_id_key": made("tips", TIP),
    "bank_accounts_current_key": made("bank_accounts", BANK_ACCOUNT, ended_at="NULL")
    + " CROSS JOIN generate_series(1, 2)",
    "payout_runs_until_key": SAME.format("payout_runs", "until, created_at, people, amount"),
    "payouts_run_key": SAME.format(
        "payouts", "run_id, professional_id, bank_account_id, amount, earnings, tips, state, transaction_id"
    ),
    "payouts_transaction_id_key": "INSERT INTO payouts (run_id, professional_id, bank_account_id, amount, earnings,"
    " tips, state, transaction_id) SELECT run_id, decider.id, bank_account_id, amount, earnings, tips, 'pending',"
    " transaction_id FROM payouts, (SELECT max(user_id) AS id FROM professionals) decider",
    "muted_topics_pkey": "INSERT INTO muted_topics SELECT id, 'bookings', 'email' FROM users"
    " CROSS JOIN generate_series(1, 2)",
    "inbox_items_dedupe_key_key": "INSERT INTO inbox_items (user_id, kind, data, dedupe_key, created_at)"
    " SELECT id, 'x', '{{}}', 'same', now() FROM users",
    "quiet_hours_pkey": "INSERT INTO quiet_hours SELECT id, 60, 90 FROM users CROSS JOIN generate_series(1, 2)",
    "schedule_runs_pkey": "INSERT INTO schedule_runs (name, tick) SELECT 'x', '2026-11-24' FROM generate_series(1, 2)",
    "event_values_pkey": SAME.format("event_values", "event_id, name, salt, value"),
    "idempotency_keys_pkey": "INSERT INTO idempotency_keys SELECT id, 'k', 'p', 'd', '', now() FROM users"
    " CROSS JOIN generate_series(1, 2)",
    "email_links_digest_key": "UPDATE email_links SET digest = 'same'",
    "outbox_dedupe_key_key": "UPDATE outbox SET dedupe_key = 'same'",
    "services_name_key": "UPDATE services SET name = 'Same'",
    "services_slug_key": "UPDATE services SET slug = 'same'",
    "sessions_digest_key": "UPDATE sessions SET digest = 'same'",
    "bookings_reference_key": "UPDATE bookings SET reference = 'SAMESAME'",
    "reservations_overlap_excl": "UPDATE reservations r SET span = s.span, professional_id = s.professional_id"
    " FROM reservations s WHERE s.booking_id <> r.booking_id",
    "reservations_pkey": SAME.format("reservations", "booking_id, professional_id, span, pincode"),
    "coverage_pkey": SAME.format("coverage", "professional_id, pincode"),
    "offered_services_pkey": SAME.format("offered_services", "professional_id, service_id"),
    "professional_ratings_pkey": SAME.format("professional_ratings", "professional_id"),
    "ledger_days_pkey": "INSERT INTO ledger_days SELECT now(), 'tips', 0, 0, 0 FROM generate_series(1, 2)",
    "earnings_balances_pkey": "INSERT INTO earnings_balances SELECT user_id, 0, 0, 0 FROM professionals"
    " CROSS JOIN generate_series(1, 2)",
    "service_booking_counts_pkey": "INSERT INTO service_booking_counts SELECT id, 0, 0 FROM services"
    " CROSS JOIN generate_series(1, 2)",
    "service_questions_pkey": made("service_questions", QUESTION) + " CROSS JOIN generate_series(1, 2)",
    "service_ratings_pkey": SAME.format("service_ratings", "service_id"),
    "professionals_pkey": SAME.format(
        "professionals", "user_id, approval_status, trade, experience_years, home_pincode, created_at, approved_at"
    ),
    "time_off_overlap_excl": SAME.format("time_off", "professional_id, span, created_at"),
    "charges_live_key": SAME.format(
        "charges", "booking_id, customer_id, purpose, method, amount, state, created_at, updated_at"
    ),
    "charges_live_credit_key": "INSERT INTO charges (booking_id, customer_id, purpose, method, coupon, amount, state,"
    " created_at, updated_at) SELECT booking_id, customer_id, purpose, method, coupon, amount, state, created_at,"
    " updated_at FROM charges WHERE method = 'coupon'",
    "ledger_transactions_granted_key": "INSERT INTO ledger_transactions (booking_id, kind, at)"
    " SELECT booking_id, 'credit', now() FROM ledger_transactions WHERE kind = 'credit'",
    "coupons_code_key": "UPDATE coupons SET code = 'SAME'",
    "coupon_uses_nth_key": "INSERT INTO coupon_uses (coupon_id, customer_id, booking_id, nth, amount, used_at)"
    " SELECT coupon_id, customer_id, booking_id - 1, nth, amount, used_at FROM coupon_uses",
    "coupon_uses_booking_id_key": "INSERT INTO coupon_uses (coupon_id, customer_id, booking_id, nth, amount, used_at)"
    " SELECT coupon_id, customer_id, booking_id, nth + 1, amount, used_at FROM coupon_uses",
    "credit_balances_pkey": SAME.format("credit_balances", "customer_id, balance"),
    "referrals_pkey": SAME.format("referrals", "friend_id, inviter_id, at"),
    "codes_live_excl": "INSERT INTO codes (booking_id, phase, digest, issued_at)"
    " SELECT booking_id, phase, digest, issued_at FROM codes WHERE used_at IS NULL AND voided_at IS NULL",
    "codes_used_key": "INSERT INTO codes (booking_id, phase, digest, issued_at, used_at)"
    " SELECT booking_id, phase, digest, issued_at, used_at FROM codes WHERE used_at IS NOT NULL",
    "declines_pkey": "INSERT INTO declines SELECT id, professional_id, 'passed', '', now() FROM bookings"
    " CROSS JOIN generate_series(1, 2) WHERE professional_id IS NOT NULL",
    "offer_waves_pkey": "INSERT INTO offer_waves SELECT id FROM bookings CROSS JOIN generate_series(1, 2)",
    "offer_recipients_pkey": "INSERT INTO offer_recipients SELECT id, professional_id, now(), 'k' FROM bookings"
    " CROSS JOIN generate_series(1, 2) WHERE professional_id IS NOT NULL",
    "exclusions_pkey": "INSERT INTO exclusions SELECT customer_id, professional_id, 'customer', now() FROM bookings"
    " CROSS JOIN generate_series(1, 2) WHERE reference = '{completed}'",
    "favourites_pkey": "INSERT INTO favourites SELECT customer_id, professional_id, now() FROM bookings"
    " CROSS JOIN generate_series(1, 2) WHERE reference = '{completed}'",
    "disputes_pkey": "INSERT INTO disputes SELECT id, customer_id, 'x', now() FROM bookings"
    " CROSS JOIN generate_series(1, 2)",
    "reviews_booking_id_key": SAME.format(
        "reviews", "booking_id, customer_id, professional_id, service_id, rating, created_at"
    ),
}

# Rows that nothing of the town has written, for the rules on what they point at.
ROWS = f"""
    INSERT INTO declines SELECT id, professional_id, 'passed', '', now() FROM bookings
     WHERE reference = '{{completed}}';
    INSERT INTO disputes SELECT id, customer_id, 'x', now() FROM bookings WHERE reference = '{{completed}}';
    INSERT INTO offer_waves SELECT id FROM bookings WHERE reference = '{{completed}}';
    INSERT INTO offer_recipients SELECT id, professional_id, now(), 'k' FROM bookings
     WHERE reference = '{{completed}}';
    INSERT INTO exclusions SELECT customer_id, professional_id, 'customer', now() FROM bookings
     WHERE reference = '{{completed}}';
    INSERT INTO favourites SELECT customer_id, professional_id, now() FROM bookings
     WHERE reference = '{{completed}}';
    INSERT INTO idempotency_keys SELECT id, 'k', 'p', 'd', '', now() FROM users;
    INSERT INTO search_terms (term, language, category_id) SELECT 'x', 'en', id FROM categories;
    INSERT INTO search_terms (term, language, service_id) SELECT 'x', 'en', id FROM services;
    INSERT INTO service_booking_counts SELECT id, 0, 0 FROM services;
    INSERT INTO ledger_days VALUES (now(), 'gateway', 0, 0, 0);
    INSERT INTO earnings_balances SELECT user_id, 0, 0, 0 FROM professionals;
    INSERT INTO service_ratings (service_id) SELECT id FROM services ON CONFLICT DO NOTHING;
    UPDATE refunds SET professional_id = b.professional_id, confirmed_at = now(), confirmed_by_id = b.customer_id
      FROM bookings b WHERE b.id = refunds.booking_id;
    UPDATE bookings SET redo_of_id = id WHERE reference = '{{completed}}';
    UPDATE cases SET assigned_to_id = opened_by_id, refund_id = (SELECT min(id) FROM refunds);
    UPDATE bookings SET requested_professional_id = professional_id
     WHERE state = 'closed';
    UPDATE blocks SET lifted_by_id = blocked_by_id, lifted_at = now(), lifted_reason = 'x';
    INSERT INTO unmet_searches (day, pincode, category_id, searches) SELECT now(), '600020', id, 1 FROM categories;
    {document(decided_at="now()", decided_by_id="user_id", state="'approved'")};
    {case(decided_at="now()", decided_by_id="user_id", state="'approved'")};
    {export()};
    {made("device_tokens", DEVICE_TOKEN)};
    {made("sign_in_codes", SIGN_IN_CODE)};
    {made("saved_methods", SAVED_METHOD)};
    {made("bank_accounts", BANK_ACCOUNT)};
    INSERT INTO tips (booking_id, customer_id, professional_id, amount, state, created_at)
     SELECT id, customer_id, professional_id, 100, 'unpaid', now() FROM bookings WHERE reference = '{{completed}}';
    UPDATE payouts SET decided_by_id = professional_id, decided_at = now(), state = 'paid', reference = 'x';
    UPDATE payout_runs SET created_by_id = (SELECT min(id) FROM users);
    INSERT INTO monthly_reports (user_id, month, facts, created_at)
     SELECT id, '2026-11-01', '{{{{}}}}', now() FROM users;
    INSERT INTO muted_topics SELECT id, 'bookings', 'email' FROM users;
    INSERT INTO inbox_items (user_id, kind, data, dedupe_key, created_at)
     SELECT id, 'x', '{{{{}}}}', id::text, now() FROM users;
    INSERT INTO quiet_hours SELECT id, 60, 90 FROM users;
    INSERT INTO webhook_attempts (outbox_id, at, result, duration_ms) SELECT id, now(), 'x', 1 FROM outbox
"""
