"""Every controller of Doorstep by audience: the table of contents of its addresses."""

from litestar.types import ControllerRouterHandler

from app.accounts.address_pages import AddressPages
from app.accounts.again_pages import AgainPages
from app.accounts.api import AccountApi
from app.accounts.event_pages import EventDesk
from app.accounts.pages import LoginPages, LogoutPages, RegisterPages
from app.accounts.password_pages import ForgottenPages, ResetPages, VerifyPages
from app.accounts.profile_pages import EmailPages, PasswordPages, ProfilePages, SessionPages
from app.bookings.api import BookApi, BookingLists
from app.bookings.booking_pages import BookingPages, ExtraAnswerPages, ReceiptPages
from app.bookings.calendar_pages import CalendarPages, of_booking, of_job
from app.bookings.calendar_pages import feed as calendar_feed
from app.bookings.change_pages import CancellationPages, ReschedulePages
from app.bookings.desk_pages import BookingDesk
from app.bookings.dispatch_pages import DispatchDesk
from app.bookings.earnings_pages import earnings, history
from app.bookings.handover_pages import (
    AbsencePages,
    ArrivalPages,
    CompletionPages,
    DeparturePages,
    ExtraPages,
    StartPages,
)
from app.bookings.job_pages import AcceptancePages, JobListPages, JobPages, PassPages, ReturnPages
from app.bookings.ledger_pages import LedgerDesk
from app.bookings.move_api import MoveApi
from app.bookings.pages import BookingsPages
from app.bookings.payment_pages import PaymentPages
from app.catalog.api import CatalogueApi
from app.catalog.category_pages import CategoryDesk
from app.catalog.desk_pages import ServiceDesk
from app.catalog.editing_pages import ServiceForms
from app.discovery.api import SlotsApi
from app.discovery.pages import HomePages, ReadingPages, ResultPages
from app.discovery.professional_pages import ProfessionalPages
from app.discovery.service_pages import ServicePages
from app.insights.api import ExportApi
from app.insights.export_pages import EarningsExport, EarningsExports, ExportDesk, ExportsDesk
from app.insights.monthly_pages import MonthlyPages
from app.insights.report_pages import ReportDesk
from app.insights.task_pages import TaskDesk
from app.insights.today_pages import TodayPages
from app.notifications.mailbox_pages import MailboxPages
from app.notifications.pages import NoticePages, PreferencePages, UnsubscribePages
from app.notifications.webhook_pages import WebhookDesk, WebhooksDesk
from app.reviews.api import ReviewApi
from app.reviews.desk_pages import ReviewDesk
from app.reviews.pages import ReviewPages
from app.standing.admin_pages import AdminDesk
from app.standing.api import PeopleApi
from app.standing.availability_pages import AvailabilityPages
from app.standing.block_pages import BlockPages
from app.standing.customer_pages import CustomerDesk
from app.standing.decision_api import DecisionApi, ProfileApi, StatusApi
from app.standing.joining_api import JoiningApi
from app.standing.joining_pages import JoiningPages
from app.standing.leaving_pages import LeavingPages, OwnDataPages
from app.standing.pages import BlockedPages
from app.standing.professional_pages import ProfessionalDesk
from app.standing.verification_pages import VerificationPages
from app.standing.work_pages import WorkPages
from app.vetting.document_pages import DocumentPages, DocumentsPages
from app.web import health
from app.web.api_pages import ReferencePages
from app.web.live import live
from app.web.static import static_file

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
