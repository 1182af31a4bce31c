"""Names and texts of the demo town, all invented. Emails end in @example.com, phone numbers begin with +91 00000."""

DEMO_PASSWORD = "doorstep-demo"  # pragma: allowlist secret
CUSTOMER_EMAIL, PROFESSIONAL_EMAIL, ADMIN_EMAIL = (
    "customer@example.com",
    "professional@example.com",
    "admin@example.com",
)
CUSTOMER_NAME, PROFESSIONAL_NAME, ADMIN_NAME = "Meera Venkat", "Ravi Kumar", "Lekha Narayanan"


def _split(names: str) -> list[str]:
    return names.split()


FIRST_NAMES = _split("""
Aarthi Abdul Aishwarya Ajay Akila Anand Anbu Anitha Anjali Arjun Arun Ashwin Balaji Banu Bharathi Chitra Clement Daniel
Deepa Devika Dinesh Divya Elango Esther Farida Fathima Ganesh Gayathri Geetha Gopal Gowri Hari Harini Imran Indira Irfan
Jaya Jeeva John Joseph Kabir Kala Kalai Kamala Karthik Kavitha Kiran Krishna Kumaran Lakshmi Lalitha Latha Logesh Madhan
Mahesh Mala Mani Manjula Mary Mohan Mohammed Murugan Nalini Nandhini Naveen Nisha Noor Padma Parvathi Pooja Prabhu
Pradeep Prakash Priya Rahul Raja Rajesh Ramesh Rekha Revathi Rohit Roopa Sahana Salma Samuel Sangeetha Sanjay Saranya
Sathish Selvi Senthil Shanthi Shiva Sneha Sridhar Stella Subha Suresh Swathi Tamil Thomas Uma Usha Vani Vasanth Velu
Vidya Vignesh Vijay Vimala Vinod Yamini Yusuf Zara
""")
LAST_NAMES = _split("""
Ahmed Anbalagan Antony Arumugam Babu Balan Basha Bose Chandran Cherian David Devaraj Elumalai Fernandes George Gupta
Gurusamy Haridas Hussain Ibrahim Iyer Jain Jayaraman Jose Kannan Khan Kumar Kuppusamy Mani Mathew Menon Mudaliar Murthy
Nadar Nair Natarajan Pandian Patel Perumal Pillai Prasad Raghavan Rajan Raman Rao Reddy Sankar Saravanan Sekar Selvam
Sharma Sheriff Shetty Singh Sivakumar Srinivasan Subramanian Sundaram Thangaraj Thiagarajan Varghese Veeran Venkatesan
Vijayan Xavier Yadav
""")

BUILDINGS = (
    """
Sri Lakshmi Apartments|Kaveri Flats|Ganga Nivas|Anna Nagar Housing Block|Marutham Residency|Silver Oak Towers
Thendral Apartments|Green Park|Lotus Enclave|St Thomas Street House|Malligai Illam|Ocean View|Temple Tower
""".strip()
    .replace("\n", "|")
    .split("|")
)
STREETS = (
    """
1st Cross Street|2nd Main Road|Kasturba Nagar 3rd Cross Street|Gandhi Street|Bharathiyar Road|North Mada Street
Lake View Road|Station Road|School Street|Market Road|Beach Road|Nehru Nagar|Pillaiyar Koil Street
""".strip()
    .replace("\n", "|")
    .split("|")
)

NOTES = (
    "",
    "",
    "",
    "Please ring twice.",
    "Ground floor, blue gate.",
    "The lift is slow, sorry.",
    "Call from the gate.",
)
CANCELLATION_REASONS = ("Plans changed.", "Booked the wrong day.", "Solved it myself.", "A family member is ill.")
PLATFORM_REASON = "The street is closed that day."
DISPUTES = (
    "I was at home and the bell didn't ring.",
    "The bell is broken, I wrote that in the note.",
    "He came an hour early.",
)
EXTRAS = (
    ("New washer for the second tap", 120_00),
    ("Two metres of cable", 180_00),
    ("Deep cleaning of the filter", 250_00),
    ("Replacement switch", 90_00),
    ("Silicone seal", 150_00),
)
DECLINE_REASONS = ("Too far today.", "I have another job then.", "My scooter is at the mechanic.")

REVIEW_COMMENTS = {
    5: (
        "Came at ten sharp and finished quickly. Very neat work.",
        "Polite, explained what was wrong, and cleaned up after.",
        "Excellent. Will book again.",
        "நேரத்திற்கு வந்தார். வேலை சுத்தமாக முடிந்தது, விலையும் சொன்னபடியே.",
        "बहुत अच्छा काम, समय पर आए और साफ़-सफ़ाई भी की।",
        "Found the trouble in five minutes. Showed me the old part.",
        "மிகவும் பொறுமையாக விளக்கினார். நன்றி!",
        "",
        "",
    ),
    4: (
        "Good work, came ten minutes late but called before.",
        "Everything works. A bit of dust was left behind.",
        "வேலை நன்றாக இருந்தது, கொஞ்சம் தாமதம்.",
        "काम ठीक हुआ, थोड़ी देर लगी।",
        "",
    ),
    3: ("The work is fine, but it took twice as long as planned.", "Okay. Had to remind him of the second tap.", ""),
    2: ("Came late and was in a hurry. The drip is back.", ""),
    1: ("Did not bring the tools and left half of it undone.",),
}
RATINGS = (5, 4, 3, 2, 1)
RATING_WEIGHTS = (66, 23, 7, 3, 1)

WEEKLY_HOURS = (
    tuple((day, 8 * 60, 19 * 60) for day in range(6)),
    tuple((day, 9 * 60, 20 * 60) for day in range(7)),
    tuple((day, 7 * 60, 16 * 60) for day in range(6)),
    tuple((day, opens, closes) for day in range(6) for opens, closes in ((8 * 60, 13 * 60), (15 * 60, 21 * 60))),
)
# So that at every hour someone is on the way, at the door and at work.
ROUND_THE_CLOCK = tuple((day, 0, 24 * 60) for day in range(7))
# So that the demo professional is usually at work during a demo.
LONG_WEEKLY_HOURS = tuple((day, 7 * 60, 21 * 60) for day in range(7))
