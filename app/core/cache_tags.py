"""Tags of the cached visitor pages, API answers and values: an event type names those that it makes stale.

The maximum ages of what is cached under them stand in app.discovery.invalidation.
"""

SLOTS = "times"  # free start times, and the earliest ones on cards
SERVICES = "services"  # services and their categories as the API lists them
CARDS = "cards"  # services as lists show them: name, price, stars
REVIEWS = "reviews"  # reviews and their distribution
PROFESSIONALS = "people"  # professionals' public cards, completed jobs
MOST_BOOKED = "booked"  # the services booked most in a place
SEARCH_RESULTS = "sought"  # what search words mean
CONTACTS = "contacts"  # how people reach Doorstep, on every page
BOOKING_COUNTS = "counted"  # how many bookings each service has (app.catalog.admin_pages)

NOTHING: tuple[str, ...] = ()
JOB_DONE = (SLOTS, MOST_BOOKED, PROFESSIONALS, REVIEWS, CARDS)
CATALOGUE = (SERVICES, CARDS, SLOTS, SEARCH_RESULTS, PROFESSIONALS, REVIEWS)  # names, prices, durations, search words
