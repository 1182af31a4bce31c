"""Personal data of this room: credit, coupons that were used, and who invited whom."""

from app.core.personal_data import CUSTOMER, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "credit",
        "SELECT t.kind, -e.amount AS amount_paise, t.at FROM ledger_entries e"
        " JOIN ledger_transactions t ON t.id = e.transaction_id"
        " WHERE e.person_id = :me AND e.account = 'credit' ORDER BY e.id",
        CUSTOMER,
    ),
    OwnDataSection(
        "coupons_used",
        "SELECT c.code, u.amount AS amount_paise, u.used_at, u.freed_at FROM coupon_uses u"
        " JOIN coupons c ON c.id = u.coupon_id WHERE u.customer_id = :me ORDER BY u.id",
        CUSTOMER,
    ),
    OwnDataSection(
        "referrals",
        "SELECT CASE WHEN friend_id = :me THEN 'you were invited' ELSE 'you invited' END AS what, at, outcome,"
        " decided_at FROM referrals WHERE friend_id = :me OR inviter_id = :me ORDER BY at, friend_id",
        CUSTOMER,
    ),
)
# What was granted is money, and stays with its entries of the ledger, as the uses of coupons do.
ERASE = ("DELETE FROM referrals WHERE outcome IS DISTINCT FROM 'granted' AND (friend_id = :id OR inviter_id = :id)",)
PROMOTIONS_PERSONAL_DATA = PersonalData("promotions", own_data=OWN_DATA, erase=ERASE)
