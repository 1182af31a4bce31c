"""Through what people are told. Another way is one file in channels/ and one name in this list."""

from app.notifications.channels import email, inbox

CHANNELS = (inbox, email)
