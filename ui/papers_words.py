"""Every word of the papers: the record as a form, consents, waivers. English; nothing here depends on Qt."""

from __future__ import annotations

from understudy.bridge.papers_messages import WaiverCard

SECTIONS = {
    "record": "These papers",
    "people": "People",
    "use": "Use",
    "disclosure": "Disclosure",
    "content": "Content",
    "approvals": "Approvals",
    "eu": "European Union",
    "guild": "Guild agreements",
    "client": "Client",
    "cn": "China",
    "keeping": "Keeping",
    "context": "The shot in words",
}
LABELS = {
    "record_id": "Name",
    "ground": "Stands on",
    "likeness": "Who it looks like",
    "on_screen": "Known by face",
    "performed_by": "Performed by",
    "replaced": "Replaced",
    "consents": "Consents",
    "cast": "Cast",
    "attestation": "Attestation",
    "use.is_advertising": "Advertising",
    "use.promotes_expressive_work": "For a film or game",
    "use.endorsement": "Endorsement",
    "use.media": "Media",
    "use.territories": "Territories",
    "use.first_use_on": "First use",
    "use.training": "Training",
    "disclosure.text": "Text",
    "disclosure.form": "Form",
    "disclosure.languages": "Languages",
    "disclosure.placement": "Placement",
    "disclosure.proof_frame": "Proof frame",
    "disclosure.owner": "Put there by",
    "content.intimate": "Intimate",
    "content.violence": "Violence",
    "content.political": "Political",
    "content.minor_depicted": "A minor is shown",
    "approvals": "Approvals",
    "eu.role": "Role",
    "eu.deepfake": "Deep fake",
    "eu.work_class": "Kind of work",
    "eu.reason": "Why",
    "replica.type": "Replica",
    "replica.source": "Made from",
    "script.reference": "Script",
    "script.dated_on": "Script of",
    "script.performed_on": "Performed on",
    "synthetic.value_statement": "Why synthetic",
    "synthetic.union_notice": "Notice to the union",
    "generation.prompt_writer": "Prompt by",
    "client.policy_id": "Policy",
    "client.deliverable_class": "Deliverable",
    "client.network": "Network",
    "cn.producer_code": "Producer code",
    "cn.produce_id": "Produce id",
    "cn.label": "Label",
    "cn.explicit": "Explicit label",
    "cn.recipient": "Recipient",
    "cn.log_keep_until": "Log kept until",
    "retention_until": "Kept until",
    "context.camera_move": "Camera",
    "context.lighting": "Lighting",
    "context.time_of_day": "Time of day",
    "context.lens": "Lens",
    "context.notes": "Notes",
}
"""By path; what each means is said by `bridge.record_fields`."""
PARTS = {
    "talent": "talent",
    "living": "living",
    "deceased_on": "died on",
    "minor": "minor",
    "union": "union",
    "contract_type": "contract",
    "kind": "kind",
    "reference": "reference",
    "by": "by",
    "approved_on": "approved on",
    "shots": "shots",
    "expires_on": "expires on",
}
"""Fields within a row of the cast or of the approvals."""

TRUTHS = (("&yes", True), ("&no", False), ("not stated", None))
NOT_STATED = "not stated"
UNSAID = {"ground": "these papers"}
"""Fields that are something also where they are left out."""
CHOICES = {
    "likeness": {
        "digital_replica": "a real person, remade (digital replica)",
        "synthetic_performer": "an invented person (synthetic performer)",
        "altered_performance": "the performer, altered",
        "non_human": "a creature or puppet, no person's face",
        "no_person": "nobody at all",
    },
    "ground": {"record": "these papers", "self_attested": "somebody's word", "demonstration": "a demonstration"},
}
"""Words for choices that a law or the protocol named; the others are shown as they are."""
DAY_HINT = "2026-11-20"
DAY_WRONG = "no day such as 2026-11-20"
CALENDAR = "Calendar…"
CALENDAR_NAME = "Choose a day for {field}"
NO_DAY = "Not stated"
CHIP_ADD = "Add to {field}"
CHIP_HINT = "type, then Return"
CHIP_SAID = "{said}: type, then Return"
CHIP_REMOVE = "Remove {word} from {field}"
ROW_ADD = "Add to {field}"
ROW_REMOVE = "Remove"
ROW_REMOVE_NAME = "Remove row {place} of {field}"
NUMBER_WRONG = "a whole number"

MEDIA = ("theatrical", "streaming", "broadcast", "online", "social", "out_of_home", "games")
"""Offered while typing; any other word is taken too: media are compared letter by letter."""
TERRITORIES = ("worldwide", "EU", "US", "US-CA", "US-NY", "US-IL", "GB", "DE", "AT", "CH", "FR", "IT", "ES", "NL", "BE",
               "DK", "SE", "NO", "FI", "PL", "IE", "PT", "CZ", "CA", "MX", "BR", "AU", "NZ", "JP", "KR", "CN", "IN",
               "ZA")  # fmt: skip
"""Offered while typing; any other code is taken too."""
LANGUAGES = ("en", "de", "fr", "es", "it", "zh", "ko", "ja", "hi", "pt")

FORM_TITLE = "Papers"
FORM_NAME = "The record of this shot"
FORM_OF = "{name}[*] – {title}"
"""Qt shows in the place of `[*]` that something was changed, as the desktop does it."""
NEW_NAME = "new record"
KEPT = "What is here is kept."
UNSOUND = "These papers do not read: mend what stands beside the fields."
OPEN = "&Open…"
NEW = "&New"
SAVE = "&Save"
SAVE_AS = "Save &as…"
USE = "&Use for this job"
RECORD_FILES = "Records (*.json *.toml)"
JSON_FILES = "Records (*.json)"
OPENED_TOML = "{old} is TOML, whose comments a program would lose: saved as JSON beside it, as {name}; {old} stays."
UPGRADED = "{name} was of schema {schema}; it is saved as schema {now}."
SAVE_AS_JSON = "A record is saved as JSON, and {name} is no name for it: choose one that ends in .json."
SAVED = "saved as {path}"
UNREADABLE = "{path} was not opened. What was here is kept."
LOSE = "Let go of what was changed in {name}?"
SHOW_ALL = "Show a&ll fields"
SHOW_ALL_HELP = "Also the fields that no pack asks of this shot."
NOT_SHOWN = (
    "1 field is stated that no pack asks here. It is kept as it is.",
    "{count} fields are stated that no pack asks here. They are kept as they are.",
)
ASKED_BY = "asked by {packs}"
ASKED_RULE = "{rule}: {explain}"
REQUIRED = "needed"

JUDGING = "Being judged…"
NOT_JUDGED = "Not judged: {message} What is typed here can be saved all the same. {remedy}"
SUMMARY_GOOD = "Nothing refuses these papers now."
SUMMARY_ONE = {"refuse": ("1 rule refuses", "{count} rules refuse"), "warn": ("1 warns", "{count} warn")}
SUMMARY_LATER = "What only warns now may still refuse the finished take: F8 goes to the first."
VOUCHED = {
    "registry": "Vouched for by this studio's registry.",
    "authority": "Vouched for by the studio's authority.",
    "self-attested": "The studio's registry is empty: these papers are taken at their word.",
}
PACKS = "&Packs…"
PACKS_TITLE = "Which packs are asked of this shot"
PACKS_NONE = "No pack was asked yet."
PACK_ASKED = "ASKED"
PACK_LEFT = "LEFT OUT"
PACK_NO_LAWYER = "No lawyer has read this pack."
PACK_REVIEWED = "Read by {who}."
PACK_CONFIDENCE = "Confidence of its authors: {confidence}."
PACK_DAYS = "From {begins} to {ends}."
PACK_NOT_VERIFIED = "Nobody has verified: {what}."

FIX = {
    "narrow_territories": "Narrow to {territories}",
    "usual_disclosure": "Take the usual text",
    "name_performer": "Name {talent} in {field}",
    "ask_waiver": "Ask for a waiver…",
}
FIX_NAME = "{label} ({rule})"
FIX_APPLIED = "{label}: done. The papers are judged anew."
FIXED_FILE = "The record's file was changed: {changed}. Submit again."

PICKER_TITLE = "Consents of the registry"
PICKER_FILTER = "Search talent, consent, project, medium, territory"
PICKER_COVERING = "Only what &covers this shot"
PICKER_COLUMNS = ("Consent", "Talent", "This shot", "Ends", "Projects, shots", "Media, territories", "Leaves out")
PICKER_PICK = "&Put into these papers"
PICKER_OPEN = "Pick &consents…"
PICKER_EMPTY = "The registry has no consent of these people."
PICKER_ASKING = "Asking the daemon for its registry…"
PICKER_LEFT_OUT = "{count} more are not listed: name whose you want."
PICKER_NOT_IN_USE = "This registry holds no consent: records are taken at their word."
PICKER_NONE = "No consent is like that.\nEsc shows all of them."
COVERS = "FOR THIS SHOT"
COVERS_NOT = "NOT FOR IT: {why}"
NO_LIMIT = "no limit"
EXPIRES = {
    "gone": "ran out {count} days ago",
    "gone_one": "ran out yesterday",
    "today": "ends today",
    "tomorrow": "ends tomorrow",
    "days": "{count} days left",
    "years": "{count} years left",
    "never": "no end",
}
REVOKED = "revoked on {day}"
CONSENT_WRITTEN = "written out in this record"
CONSENT_UNKNOWN = "not known here yet"
CONSENT_ADD_HINT = "the signed agreements: pick them, or type an id, then Return"
CONSENT_REMOVE_NAME = "Remove consent {consent_id}"

WAIVERS = "&Waivers…"
WAIVERS_TITLE = "Waivers"
WAIVER_COLUMNS = ("State", "Rule", "Record", "Asked by", "Until", "Reason")
WAIVER_STATES = {"requested": "ASKED FOR", "granted": "GRANTED", "denied": "DENIED"}
WAIVER_GRANT = "&Grant"
WAIVER_DENY = "&Deny"
WAIVER_UNTIL = "&Until"
WAIVER_CONDITION = "&Condition"
WAIVER_CONDITION_HINT = "what must be kept to; reports show it"
WAIVER_ASKING = "Asking the daemon for its waivers…"
WAIVER_NONE = "No waiver was asked for."
WAIVER_CHOOSE = "Choose a waiver above."
WAIVER_PAGE = "{waiver_id}: {rule} of {pack}"
WAIVER_BY = "{state} by {who} as {role} on {day}"
WAIVER_UNTIL_NEEDED = "Say until when it counts."
WAIVER_DONE = "Waiver {waiver_id} {state}."
WAIVER_AGAIN = "&Look again"
REQUEST_TITLE = "Ask that {rule} does not block this once"
REQUEST_REASON = "&Reason"
REQUEST_SHORT = "{count} more characters: a reason has at least {least}."
REQUEST_UNTIL = "&Until"
REQUEST_SHOTS = "&Shots"
REQUEST_SHOTS_HINT = "empty = every shot of this record; SH0* for many"
REQUEST_GO = "&Ask"
REQUEST_WHO = "{roles} may grant it, and never who asks."
REQUEST_NO_JOB = "Submit these papers first: a waiver is of what refused a job."
REQUEST_DONE = "Waiver {waiver_id} of {rule} is asked for; {roles} may grant it."

EDIT = "&Edit papers…"
MEND = "&Mend papers…"
MEND_RETRY = "After a waiver was granted: Retry."
MEND_HELP = "Open the record of this job with what was said of it."
AGAIN = "Submit &again…"


FAR_DAYS = 730
"""Beyond two years nobody counts days."""


def days_left(days: int | None) -> str:
    """Return how long a paper still counts, in words. days: until its last day; None = it has no end."""
    if days is None:
        return EXPIRES["never"]
    if days < 0:
        return EXPIRES["gone_one"] if days == -1 else EXPIRES["gone"].format(count=-days)
    if days == 0:
        return EXPIRES["today"]
    if days > FAR_DAYS:
        return EXPIRES["years"].format(count=days // 365)
    return EXPIRES["tomorrow"] if days == 1 else EXPIRES["days"].format(count=days)


def counted(outcome: str, count: int) -> str:
    """Return how many rules refuse, or warn."""
    one, many = SUMMARY_ONE[outcome]
    return one if count == 1 else many.format(count=count)


def not_shown(count: int) -> str:
    """Return how many fields are stated and not shown."""
    return NOT_SHOWN[0] if count == 1 else NOT_SHOWN[1].format(count=count)


def request_done(card: WaiverCard) -> str:
    """Return that a waiver is asked for, and who may grant it."""
    roles = " or ".join(card.waivable_by)
    return REQUEST_DONE.format(waiver_id=card.waiver_id, rule=card.rule, roles=roles)
