"""Every address of Doorstep by audience, and the controller or handler that answers it."""

from litestar.types import ControllerRouterHandler

from app.accounts.address_api import AddressApi
from app.accounts.address_pages import AddressPages
from app.accounts.api import AccountApi
from app.accounts.pages import LoginPages, LogoutPages, RegisterPages
from app.accounts.password_pages import ForgottenPages, ResetPages, VerifyPages
from app.accounts.profile_pages import EmailPages, PasswordPages, ProfilePages, SessionPages
from app.accounts.reauthentication_pages import ReauthenticationPages
from app.accounts.sign_in_code_api import SignInCodeApi, WelcomeApi
from app.accounts.sign_in_code_pages import SignInCodePages, WelcomePages
from app.audit.admin_pages import EventAdminPages
from app.billing.bank_account_api import BankAccountApi
from app.billing.bank_account_pages import BankAccountPages
from app.billing.earnings_api import EarningsApi
from app.billing.earnings_pages import earnings
from app.billing.ledger_admin_pages import LedgerAdminPages
from app.billing.ledger_api import LedgerApi
from app.billing.payout_admin_pages import PayoutAdminPages
from app.billing.payout_api import PayoutApi
from app.billing.statement_pages import StatementPages
from app.billing.trial_balance_admin_pages import TrialBalanceAdminPages
from app.blocking.appeal_admin_pages import AppealAdminPages
from app.blocking.appeal_api import AppealApi, AppealPhotoApi, OwnAppealApi
from app.blocking.appeal_photo_pages import AppealPhotoPages
from app.blocking.pages import AppealPages, BlockedPages
from app.bookings.api import BookingApi, BookingListApi
from app.bookings.booking_pages import BookingPages, ExtraAnswerPages, ReceiptPages
from app.bookings.calendar_pages import CalendarPages, booking_calendar
from app.bookings.calendar_pages import feed as calendar_feed
from app.bookings.cancellation_pages import CancellationPages
from app.bookings.checkout_pages import PaymentPages
from app.bookings.pages import BookingListPages
from app.bookings.reschedule_pages import ReschedulePages
from app.bookings.tip_api import TipApi
from app.bookings.tip_pages import TipPages
from app.cases.admin_pages import CaseAdminPages
from app.cases.api import CaseAdminApi, CaseApi, CaseHelpApi, CasePhotoApi
from app.cases.help_pages import BookingHelpPages, JobHelpPages
from app.cases.pages import CasePages
from app.cases.photo_pages import CasePhotoPages
from app.catalog.admin_pages import ServiceAdminPages
from app.catalog.api import CatalogueApi
from app.catalog.category_admin_pages import CategoryAdminPages
from app.catalog.service_form_admin_pages import ServiceFormAdminPages
from app.discovery.api import SlotsApi
from app.discovery.help_pages import HelpPages
from app.discovery.pages import HomePages, ResultPages, StaticPages
from app.discovery.professional_pages import ProfessionalPages
from app.discovery.service_pages import ServicePages
from app.dispatch.admin_pages import BookingAdminPages
from app.dispatch.intervention_admin_pages import (
    AdminCancellationPages,
    AdminReassignmentPages,
    AdminReschedulePages,
    MessageAdminPages,
    NoteAdminPages,
)
from app.dispatch.intervention_api import InterventionApi
from app.dispatch.refund_admin_pages import BookingRefundAdminPages, RefundAdminPages
from app.dispatch.refund_api import BookingRefundApi, RefundApi
from app.dispatch.unassigned_admin_pages import UnassignedAdminPages
from app.exports.admin_pages import ExportAdminPages, ExportRecordAdminPages
from app.exports.api import ExportApi
from app.exports.pages import EarningsExportPages, EarningsExportRecordPages
from app.favourites.api import FavouriteApi
from app.favourites.pages import ChoicePages, FavouritePages
from app.invoices.admin_pages import InvoiceAdminPages
from app.invoices.api import BookingInvoiceApi, EarningsInvoiceApi
from app.invoices.pages import BookingInvoicePages, EarningsInvoicePages
from app.invoices.tax_admin_pages import TaxAdminPages
from app.jobs.api import BookingActionApi, DelayApi, JobListApi
from app.jobs.availability_pages import AvailabilityPages
from app.jobs.calendar_pages import JobCalendarPages, job_calendar
from app.jobs.exclusion_api import ExclusionApi
from app.jobs.exclusion_pages import ExclusionPages
from app.jobs.handover_pages import (
    ArrivalPages,
    CompletionPages,
    DelayPages,
    DeparturePages,
    ExtraPages,
    NoShowPages,
    StartPages,
)
from app.jobs.history_pages import history
from app.jobs.pages import AcceptancePages, HandBackPages, JobListPages, JobPages, PassPages
from app.messages.api import BookingMessageApi, JobMessageApi, MessagePhotoApi
from app.messages.pages import BookingMessagePages, JobMessagePages
from app.messages.photo_pages import MessagePhotoPages
from app.notifications.booking_mail_admin_pages import BookingMailAdminPages
from app.notifications.booking_mail_api import BookingMailApi
from app.notifications.mailbox_pages import MailboxPages
from app.notifications.pages import InboxPages, PreferencePages, UnsubscribePages
from app.operations.admin_pages import NavigationAdminPages, TaskAdminPages
from app.payments.saved_method_api import SavedMethodApi
from app.payments.saved_method_pages import SavedMethodPages
from app.people.admin_admin_pages import AdminAdminPages, AdminBlockPages
from app.people.api import PeopleApi, ProfileApi, StatusApi
from app.people.customer_admin_pages import CustomerAdminPages, CustomerBlockPages
from app.people.professional_admin_pages import ProfessionalAdminPages, ProfessionalBlockPages
from app.privacy.pages import AccountDeletionPages, OwnDataPages
from app.promotions.admin_pages import CouponAdminPages
from app.promotions.api import CouponApi, CreditApi
from app.promotions.pages import CreditPages
from app.receipts.api import HandoverApi, VerificationApi
from app.receipts.pages import ReceiptVerificationPages, handover, receipt_keys
from app.reports.admin_pages import ReportAdminPages
from app.reports.pages import MonthlyStatementPages
from app.reports.today_admin_pages import TodayAdminPages
from app.reviews.admin_pages import FlagAdminPages, ReviewAdminPages
from app.reviews.api import ReviewApi
from app.reviews.moderation_admin_pages import ReviewModerationAdminPages
from app.reviews.moderation_api import ReviewModerationApi, ReviewResponseApi
from app.reviews.pages import ReviewPages
from app.reviews.response_pages import AnswerPages, ReportPages
from app.site_settings.admin_pages import SettingAdminPages
from app.site_settings.api import HelpApi, SettingApi
from app.vetting.api import ApplicationApi, DecisionApi
from app.vetting.application_pages import ApplicationPages
from app.vetting.document_pages import DocumentPages, DocumentsPages
from app.vetting.offered_services_pages import OfferedServicesPages
from app.vetting.verification_pages import VerificationPages
from app.web import health
from app.web.api_pages import ReferencePages
from app.web.live import live
from app.web.static import static_file
from app.webhooks.admin_pages import WebhookAdminPages, WebhookListAdminPages

Routes = tuple[tuple[str, ControllerRouterHandler], ...]

# One import above, and one line here per address: the controller's path, or each of its addresses if it has none.
EVERYONE: Routes = (
    ("/", HomePages),
    ("/services", ResultPages),
    ("/services/{slug:str}", ServicePages),
    ("/professionals/{person_id:int}", ProfessionalPages),
    ("/about", StaticPages),
    ("/help", HelpPages),
    ("/privacy", StaticPages),
    ("/terms", StaticPages),
    ("/register", RegisterPages),
    ("/register/professional", ApplicationPages),
    ("/login", LoginPages),
    ("/login/code", SignInCodePages),
    ("/welcome", WelcomePages),
    ("/password/forgotten", ForgottenPages),
    ("/password/reset/{token:str}", ResetPages),
    ("/verify/{token:str}", VerifyPages),
    ("/unsubscribe/{token:str}", UnsubscribePages),
    ("/calendar/{token:str}", calendar_feed),
    ("/receipts/verify", ReceiptVerificationPages),
)

CUSTOMERS: Routes = (
    ("/bookings", BookingListPages),
    ("/bookings/{ref:str}/payment", PaymentPages),
    ("/bookings/{ref:str}", BookingPages),
    ("/bookings/{ref:str}/extras/{number:str}", ExtraAnswerPages),
    ("/bookings/{ref:str}/cancellation", CancellationPages),
    ("/bookings/{ref:str}/reschedule", ReschedulePages),
    ("/bookings/{ref:str}/receipt", ReceiptPages),
    ("/bookings/{ref:str}/handover.json", handover),
    ("/bookings/{ref:str}/tip", TipPages),
    ("/bookings/{ref:str}", BookingInvoicePages),
    ("/bookings/{ref:str}/review", ReviewPages),
    ("/bookings/{ref:str}/help", BookingHelpPages),
    ("/bookings/{ref:str}/calendar", booking_calendar),
    ("/bookings/{ref:str}/messages", BookingMessagePages),
    ("/favourites", FavouritePages),
    ("/credit", CreditPages),
    ("/professionals/{person_id:int}", ChoicePages),
    ("/calendar", CalendarPages),
    ("/profile/addresses", AddressPages),
    ("/profile/payment-methods", SavedMethodPages),
    ("/reports", MonthlyStatementPages),
)

PROFESSIONALS: Routes = (
    ("/jobs", JobListPages),
    ("/jobs/{ref:str}", JobPages),
    ("/jobs/{ref:str}/acceptance", AcceptancePages),
    ("/jobs/{ref:str}/pass", PassPages),
    ("/jobs/{ref:str}/return", HandBackPages),
    ("/jobs/{ref:str}/departure", DeparturePages),
    ("/jobs/{ref:str}/arrival", ArrivalPages),
    ("/jobs/{ref:str}/late", DelayPages),
    ("/jobs/{ref:str}/start", StartPages),
    ("/jobs/{ref:str}/completion", CompletionPages),
    ("/jobs/{ref:str}/extras", ExtraPages),
    ("/jobs/{ref:str}/absence", NoShowPages),
    ("/jobs/{ref:str}/exclusion", ExclusionPages),
    ("/jobs/{ref:str}/help", JobHelpPages),
    ("/jobs/{ref:str}/calendar", job_calendar),
    ("/jobs/{ref:str}/messages", JobMessagePages),
    ("/jobs/calendar", JobCalendarPages),
    ("/jobs/history", history),
    ("/earnings", earnings),
    ("/earnings/statements", StatementPages),
    ("/bank-account", BankAccountPages),
    ("/earnings/export", EarningsExportPages),
    ("/earnings/invoices", EarningsInvoicePages),
    ("/earnings/exports/{ref:str}", EarningsExportRecordPages),
    ("/availability", AvailabilityPages),
    ("/documents", DocumentsPages),
    ("/verification", VerificationPages),
    ("/profile/work", OfferedServicesPages),
    ("/reviews/{review_id:int}/answer", AnswerPages),
)

ADMINS: Routes = (
    ("/admin", TodayAdminPages),
    ("/admin/reports", ReportAdminPages),
    ("/admin/events", EventAdminPages),
    ("/admin/professionals", ProfessionalAdminPages),
    ("/admin/customers", CustomerAdminPages),
    ("/admin/admins", AdminAdminPages),
    ("/admin/tasks", TaskAdminPages),
    ("/admin/navigation", NavigationAdminPages),
    ("/admin/webhooks", WebhookListAdminPages),
    ("/admin/webhooks/{webhook_id:int}", WebhookAdminPages),
    ("/admin/customers", CustomerBlockPages),
    ("/admin/professionals", ProfessionalBlockPages),
    ("/admin/admins", AdminBlockPages),
    ("/admin/appeals", AppealAdminPages),
    ("/admin/cases", CaseAdminPages),
    ("/admin/services", ServiceAdminPages),
    ("/admin/bookings", BookingAdminPages),
    ("/admin/dispatch", UnassignedAdminPages),
    ("/admin/ledger", LedgerAdminPages),
    ("/admin/ledger/balance", TrialBalanceAdminPages),
    ("/admin/payouts", PayoutAdminPages),
    ("/admin/invoices", InvoiceAdminPages),
    ("/admin/tax", TaxAdminPages),
    ("/admin/bookings/{ref:str}/refund", BookingRefundAdminPages),
    ("/admin/refunds", RefundAdminPages),
    ("/admin/coupons", CouponAdminPages),
    ("/admin/bookings/{ref:str}/cancellation", AdminCancellationPages),
    ("/admin/bookings/{ref:str}/reschedule", AdminReschedulePages),
    ("/admin/bookings/{ref:str}/reassignment", AdminReassignmentPages),
    ("/admin/bookings/{ref:str}/note", NoteAdminPages),
    ("/admin/bookings/{ref:str}/message", MessageAdminPages),
    ("/admin/bookings/{ref:str}/mails", BookingMailAdminPages),
    ("/admin/exports", ExportAdminPages),
    ("/admin/exports/{ref:str}", ExportRecordAdminPages),
    ("/admin/reviews", ReviewAdminPages),
    ("/admin/reviews/{review_id:int}", ReviewModerationAdminPages),
    ("/admin/bookings/{ref:str}/flag", FlagAdminPages),
    ("/admin/services", ServiceFormAdminPages),
    ("/admin/services/categories", CategoryAdminPages),
    ("/admin/settings", SettingAdminPages),
)

SIGNED_IN: Routes = (
    ("/logout", LogoutPages),
    ("/login/again", ReauthenticationPages),
    ("/blocked", BlockedPages),
    ("/blocked/appeal", AppealPages),
    ("/appeals/photos/{photo_id:int}", AppealPhotoPages),
    ("/cases", CasePages),
    ("/cases/photos/{photo_id:int}", CasePhotoPages),
    ("/profile", ProfilePages),
    ("/profile/email", EmailPages),
    ("/profile/password", PasswordPages),
    ("/profile/sessions", SessionPages),
    ("/notices", InboxPages),
    ("/profile/notices", PreferencePages),
    ("/profile/data", OwnDataPages),
    ("/profile/leaving", AccountDeletionPages),
    ("/documents/{document_id:str}", DocumentPages),
    ("/messages/photos/{photo_id:int}", MessagePhotoPages),
    ("/reviews/{review_id:int}/report", ReportPages),
    ("/live", live),
)

MACHINES: Routes = (
    ("/health", health.health),
    ("/health/ready", health.ready),
    ("/metrics", health.metrics),
    ("/.well-known/doorstep-keys.json", receipt_keys),
    ("/csp-report", health.csp_report),
    ("/static/{digest:str}/{name:path}", static_file),
)

PROGRAMS: Routes = (
    ("/api", ReferencePages),
    ("/api/openapi.json", ReferencePages),
    ("/api/login", AccountApi),
    ("/api/login/code", SignInCodeApi),
    ("/api/welcome", WelcomeApi),
    ("/api/logout", AccountApi),
    ("/api/register", AccountApi),
    ("/api/services", CatalogueApi),
    ("/api/service/{name:str}", CatalogueApi),
    ("/api/edit_service/{service_id:int}", CatalogueApi),
    ("/api/delete_service/{service_id:int}", CatalogueApi),
    ("/api/services/{service_id:int}/slots", SlotsApi),
    ("/api/request", BookingListApi),
    ("/api/service_request/{name:str}", BookingListApi),
    ("/api/request/service/{customer_id:int}", BookingListApi),
    ("/api/servicerequest/{professional_id:int}", JobListApi),
    ("/api/request/service", BookingApi),
    ("/api/request/edit/{booking_id:int}", BookingActionApi),
    ("/api/jobs/{ref:str}/late", DelayApi),
    ("/api/jobs/{ref:str}/exclusion", ExclusionApi),
    ("/api/favourites", FavouriteApi),
    ("/api/professionals/{person_id:int}/favourite", FavouriteApi),
    ("/api/professionals/{person_id:int}/exclusion", FavouriteApi),
    ("/api/request/close/{booking_id:int}", ReviewApi),
    ("/api/customers", PeopleApi),
    ("/api/customer/{customer_id:int}", PeopleApi),
    ("/api/professional", PeopleApi),
    ("/api/professional/{professional_id:int}", PeopleApi),
    ("/api/user", PeopleApi),
    ("/api/status", StatusApi),
    ("/api/verify/professional/{professional_id:int}", DecisionApi),
    ("/api/deny/professional/{professional_id:int}", DecisionApi),
    ("/api/profile/edit/{person_id:int}", ProfileApi),
    ("/api/profile/addresses", AddressApi),
    ("/api/profile/payment-methods", SavedMethodApi),
    ("/api/professional/register", ApplicationApi),
    ("/api/re_verify", ApplicationApi),
    ("/api/exports", ExportApi),
    ("/api/reviews/{review_id:int}", ReviewResponseApi),
    ("/api/admin/reviews", ReviewModerationApi),
    ("/api/blocked/appeal", OwnAppealApi),
    ("/api/appeals/photos/{photo_id:int}", AppealPhotoApi),
    ("/api/bookings/{ref:str}/handover.json", HandoverApi),
    ("/api/receipts/verify", VerificationApi),
    ("/api/help", HelpApi),
    ("/api/admin/settings", SettingApi),
    ("/api/admin/appeals", AppealApi),
    ("/api/admin/bookings/{ref:str}/refund", BookingRefundApi),
    ("/api/admin/refunds", RefundApi),
    ("/api/admin/ledger", LedgerApi),
    ("/api/admin/coupons", CouponApi),
    ("/api/credit", CreditApi),
    ("/api/admin/payouts", PayoutApi),
    ("/api/bank-account", BankAccountApi),
    ("/api/earnings", EarningsApi),
    ("/api/bookings/{ref:str}/tip", TipApi),
    ("/api/bookings/{ref:str}/messages", BookingMessageApi),
    ("/api/bookings/{ref:str}/invoice", BookingInvoiceApi),
    ("/api/earnings/invoices", EarningsInvoiceApi),
    ("/api/jobs/{ref:str}/messages", JobMessageApi),
    ("/api/messages/photos/{photo_id:int}", MessagePhotoApi),
    ("/api/admin/bookings/{ref:str}", InterventionApi),
    ("/api/admin/bookings/{ref:str}/mails", BookingMailApi),
    ("/api/bookings/{ref:str}/help", CaseHelpApi),
    ("/api/jobs/{ref:str}/help", CaseHelpApi),
    ("/api/cases", CaseApi),
    ("/api/cases/photos/{photo_id:int}", CasePhotoApi),
    ("/api/admin/cases", CaseAdminApi),
)

ROUTES: Routes = (*EVERYONE, *CUSTOMERS, *PROFESSIONALS, *ADMINS, *SIGNED_IN, *MACHINES, *PROGRAMS)

# Only outside production, and only while no mail server is set.
MAILBOX: Routes = (("/dev/mail", MailboxPages),)


def handlers(routes: Routes) -> list[ControllerRouterHandler]:
    """Each handler of the table once, in order."""
    return list(dict.fromkeys(handler for _address, handler in routes))
