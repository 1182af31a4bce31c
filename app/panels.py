"""Every piece that a room adds to a lower room's page, in one list."""

from app.billing.ledger_panel import LEDGER_PANEL
from app.billing.tip_panels import BOOKING_TIP_PANEL, JOB_TIP_PANEL
from app.cases.panels import BOOKING_CASES_PANEL, JOB_CASES_PANEL, RECORD_CASES_PANEL
from app.dispatch.refund_panel import JOB_REFUNDS_PANEL
from app.favourites.booking_panel import CHOICES_PANEL
from app.invoices.booking_panel import INVOICE_PANEL
from app.messages.panels import ADMIN_MESSAGES_PANEL, JOB_MESSAGES_PANEL, MESSAGES_PANEL
from app.receipts.receipt_panel import HANDOVER_PANEL
from app.reviews.flag_panel import FLAG_PANEL
from app.reviews.job_panel import JOB_REVIEW_PANEL
from app.reviews.review_panel import REVIEW_PANEL
from app.web.panels import Panel

PANELS: tuple[Panel, ...] = tuple(
    sorted(
        (
            LEDGER_PANEL,
            HANDOVER_PANEL,
            REVIEW_PANEL,
            FLAG_PANEL,
            CHOICES_PANEL,
            INVOICE_PANEL,
            JOB_REVIEW_PANEL,
            JOB_REFUNDS_PANEL,
            BOOKING_TIP_PANEL,
            JOB_TIP_PANEL,
            MESSAGES_PANEL,
            JOB_MESSAGES_PANEL,
            ADMIN_MESSAGES_PANEL,
            BOOKING_CASES_PANEL,
            JOB_CASES_PANEL,
            RECORD_CASES_PANEL,
        ),
        key=lambda panel: (panel.page, panel.order),
    )
)
