"""Every controller of Doorstep by audience: the table of contents of its addresses."""

from litestar.types import ControllerRouterHandler

from app.accounts.address_pages import AddressPages
from app.accounts.api import AccountApi
from app.accounts.pages import LoginPages, LogoutPages, RegisterPages
from app.accounts.password_pages import ForgottenPages, ResetPages, VerifyPages
from app.accounts.profile_pages import EmailPages, PasswordPages, ProfilePages, SessionPages
from app.accounts.reauthentication_pages import AgainPages
from app.audit.admin_pages import EventDesk
from app.billing.ledger_admin_pages import LedgerDesk
from app.blocking.admin_pages import BlockPages
from app.blocking.pages import BlockedPages
from app.bookings.api import BookApi, BookingLists
from app.bookings.booking_pages import BookingPages, ExtraAnswerPages, ReceiptPages
from app.bookings.change_pages import CancellationPages, ReschedulePages
from app.bookings.checkout_pages import PaymentPages
from app.bookings.pages import BookingsPages
from app.catalog.admin_pages import ServiceDesk
from app.catalog.api import CatalogueApi
from app.catalog.category_admin_pages import CategoryDesk
from app.catalog.service_form_admin_pages import ServiceForms
from app.discovery.api import SlotsApi
from app.discovery.pages import HomePages, ReadingPages, ResultPages
from app.discovery.professional_pages import ProfessionalPages
from app.discovery.service_pages import ServicePages
from app.dispatch.admin_pages import BookingDesk
from app.dispatch.unassigned_admin_pages import DispatchDesk
from app.exports.api import ExportApi
from app.exports.pages import EarningsExport, EarningsExports, ExportDesk, ExportsDesk
from app.jobs.api import MoveApi
from app.jobs.availability_pages import AvailabilityPages
from app.jobs.calendar_pages import CalendarPages, of_booking, of_job
from app.jobs.calendar_pages import feed as calendar_feed
from app.jobs.earnings_pages import earnings, history
from app.jobs.handover_pages import AbsencePages, ArrivalPages, CompletionPages, DeparturePages, ExtraPages, StartPages
from app.jobs.pages import AcceptancePages, JobListPages, JobPages, PassPages, ReturnPages
from app.notifications.mailbox_pages import MailboxPages
from app.notifications.pages import NoticePages, PreferencePages, UnsubscribePages
from app.operations.admin_pages import TaskDesk
from app.people.admin_admin_pages import AdminDesk
from app.people.api import PeopleApi
from app.people.customer_admin_pages import CustomerDesk
from app.people.professional_admin_pages import ProfessionalDesk
from app.privacy.pages import LeavingPages, OwnDataPages
from app.reports.admin_pages import ReportDesk
from app.reports.pages import MonthlyPages
from app.reports.today_admin_pages import TodayPages
from app.reviews.admin_pages import ReviewDesk
from app.reviews.api import ReviewApi
from app.reviews.pages import ReviewPages
from app.vetting.application_api import JoiningApi
from app.vetting.application_pages import JoiningPages
from app.vetting.decision_api import DecisionApi, ProfileApi, StatusApi
from app.vetting.document_pages import DocumentPages, DocumentsPages
from app.vetting.offered_services_pages import WorkPages
from app.vetting.verification_pages import VerificationPages
from app.web import health
from app.web.api_pages import ReferencePages
from app.web.live import live
from app.web.static import static_file
from app.webhooks.admin_pages import WebhookDesk, WebhooksDesk

# One import above and one line here per controller.
EVERYONE: list[ControllerRouterHandler] = [
    HomePages,
    ResultPages,
    ServicePages,
    ProfessionalPages,
    ReadingPages,
    RegisterPages,
    JoiningPages,
    LoginPages,
    ForgottenPages,
    ResetPages,
    VerifyPages,
    UnsubscribePages,
    calendar_feed,
]

CUSTOMERS: list[ControllerRouterHandler] = [
    BookingsPages,
    PaymentPages,
    BookingPages,
    ExtraAnswerPages,
    CancellationPages,
    ReschedulePages,
    ReceiptPages,
    ReviewPages,
    of_booking,
    AddressPages,
    MonthlyPages,
]

PROFESSIONALS: list[ControllerRouterHandler] = [
    JobListPages,
    JobPages,
    AcceptancePages,
    PassPages,
    ReturnPages,
    DeparturePages,
    ArrivalPages,
    StartPages,
    CompletionPages,
    ExtraPages,
    AbsencePages,
    of_job,
    CalendarPages,
    history,
    earnings,
    EarningsExports,
    EarningsExport,
    AvailabilityPages,
    DocumentsPages,
    VerificationPages,
    WorkPages,
]

ADMINS: list[ControllerRouterHandler] = [
    TodayPages,
    ReportDesk,
    EventDesk,
    ProfessionalDesk,
    CustomerDesk,
    AdminDesk,
    TaskDesk,
    WebhooksDesk,
    WebhookDesk,
    BlockPages,
    ServiceDesk,
    BookingDesk,
    DispatchDesk,
    LedgerDesk,
    ExportsDesk,
    ExportDesk,
    ReviewDesk,
    ServiceForms,
    CategoryDesk,
]

SIGNED_IN: list[ControllerRouterHandler] = [
    LogoutPages,
    AgainPages,
    BlockedPages,
    ProfilePages,
    EmailPages,
    PasswordPages,
    SessionPages,
    NoticePages,
    PreferencePages,
    OwnDataPages,
    LeavingPages,
    DocumentPages,
    live,
]

MACHINES: list[ControllerRouterHandler] = [health.health, health.ready, health.metrics, health.csp_report, static_file]

PROGRAMS: list[ControllerRouterHandler] = [
    ReferencePages,
    AccountApi,
    CatalogueApi,
    SlotsApi,
    BookingLists,
    BookApi,
    MoveApi,
    ReviewApi,
    PeopleApi,
    StatusApi,
    DecisionApi,
    ProfileApi,
    JoiningApi,
    ExportApi,
]

ROUTES: list[ControllerRouterHandler] = [
    *EVERYONE,
    *CUSTOMERS,
    *PROFESSIONALS,
    *ADMINS,
    *SIGNED_IN,
    *PROGRAMS,
    *MACHINES,
]

# Only outside production, and only while no mail server is set.
MAILBOX: list[ControllerRouterHandler] = [MailboxPages]
