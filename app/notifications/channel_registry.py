"""Through what people are told. Another way is one file in channels/ and one name in this list."""

from app.notifications.channels import email, google_chat, inbox
from app.webhooks import channel

CHANNELS = (inbox, email)
ROOMS = (google_chat, channel)  # read by many: what is told there is for nobody by name
