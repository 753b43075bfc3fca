"""Every word that the panel says, in one place. English; nothing here depends on Qt."""

from __future__ import annotations

TITLE = "Understudy"

COLUMNS = ("", "Shot", "Take", "State", "Stage", "Progress", "Left", "Who", "Where")
COLUMN_HELP = (
    "A picture of the take, where its files are on this machine",
    "The shot; its takes stand together, the newest first",
    "Which version it is, and whether it may be delivered",
    "Where the job stands",
    "What it does just now",
    "Finished frames of all frames",
    "Time that is left",
    "Whose key submitted it",
    "The project, or the artist's own folder",
)
STATES = {
    "draft": "draft",
    "uploading": "uploading",
    "queued": "queued",
    "running": "running",
    "parked": "parked",
    "paused": "paused",
    "checking": "checking",
    "delivered": "delivered",
    "refused": "refused",
    "quarantined": "quarantined",
    "cancelled": "cancelled",
    "failed": "failed",
}
STANDINGS = {
    "delivered": "DELIVERED",
    "for_review": "FOR REVIEW",
    "uncleared": "UNCLEARED",
    "demonstration": "DEMONSTRATION",
    "provisional": "PROVISIONAL",
    "quarantined": "QUARANTINED",
    "none": "NO TAKE",
}
STANDING_HELP = {
    "delivered": "Through both gates on good papers: may be delivered.",
    "for_review": "On good papers, but a draft: to be looked at, never part of a final.",
    "uncleared": "Made without papers, and every file says so: to look at. Only a new job with papers goes further.",
    "demonstration": "A demonstration: not for delivery.",
    "provisional": "Not yet through the delivery gate: frames may still be withdrawn.",
    "quarantined": "Set aside: the gate did not let it through, and its files are not handed out.",
    "none": "This job has no take.",
}

ALL_STATES = "every state"
LIVE = "what is going on"
ENDED = "what has ended"
ATTENTION = "what needs someone"
SEARCH = "Search shot, take, job, who, engine"
FILTER_NAME = "Which jobs are shown"
SEARCH_NAME = "Search in the jobs"
JOBS_NAME = "Jobs by shot"
NO_JOBS = "No job yet.\nPress Ctrl+N to submit a shot."
EMPTY_JOBS = "No job yet. A job is one shot with a performer recast:\nplate, roto and a picture of the character go in."
EMPTY_NEW = "&New job… (Ctrl+N)"
EMPTY_AWAY = (
    "No daemon answers. The daemon is the program that makes the pictures;\n"
    "it runs beside this window and goes on when the window is closed."
)
EMPTY_LOOKING = "Looking for a daemon…"
EMPTY_START = "&Start one here"
EMPTY_DAEMON = "&Another machine's…"
NOTHING_FOUND = "No job is like that.\nEsc shows all of them."
QUEUE_PLACE = "{place} in the queue"

ACTIONS = {
    "cancel": ("&Cancel", "Del", "Stop this job within a step; it stays listed, and can be retried."),
    "retry": ("&Retry", "R", "Queue a failed, cancelled or refused job again; finished frames are kept."),
    "pause": ("&Pause", "P", "Free the slot; finished frames stay, and the job goes on with Resume."),
    "resume": ("Res&ume", "U", "Put a paused or parked job back into the queue."),
    "sooner": ("&Sooner", "+", "Raise the priority by 10; higher runs first."),
    "later": ("&Later", "-", "Lower the priority by 10."),
    "redo": ("Re&do a segment…", "D", "Make a segment of a delivered take again, as a new version."),
    "open": ("&Open folder", "O", "Open the folder that holds the take's files."),
    "fetch": ("&Fetch…", "F", "Bring the take to this machine; a fetch that was stopped goes on."),
    "copy": ("Copy as &command", "Ctrl+C", "Copy the command that submits this very job again from a shell."),
    "copy_fetch": ("Copy &how to fetch it", "Ctrl+Shift+C", "Copy the command that brings, shows or follows this job."),
}
IMPORT = "&Import into {desk}"
IMPORT_MANY = "&Import into…"
IMPORT_NOWHERE = "&Import into a host"
IMPORT_KEY = "I"
IMPORT_HELP = "Have an open Nuke, Blender or Resolve read this take in, at its own frames."
IMPORT_ASKED = "{desk} imports {take}…"
IMPORT_DONE = "{desk}: {said}."
IMPORT_GONE = "{desk} is no longer open"
IMPORT_GONE_REMEDY = "Open it again, and press Panel there."
SELECTION_CAME = "{desk} has put {shot} into the form."
SELECTION_WAITS = "{desk} has sent {shot}: it comes into the form when the job under way is sent."
DOCK_EMPTY = "No job yet.\nPress Recast on an Understudy node."
DOCK_PANEL = "Panel"
DOCK_PANEL_HELP = "Open the whole panel, with the selected Understudy node's shot in its form."
FOLDS = {
    "fold": ("&Fold this shot", "Left", "Show only the newest take of this shot."),
    "unfold": ("&Unfold this shot", "Right", "Show every take of this shot."),
    "fold_all": ("Fold every shot", "Shift+Left", "Show only the newest take of each shot."),
    "unfold_all": ("Unfold every shot", "Shift+Right", "Show every take of each shot."),
}
FOLDED = "{shot}  +{more}"
FOLDED_IN_WORDS = ", {takes} folded"
COPIED = "Copied: {line}"
COPIED_BUT = "Copied, but {unknown}."
COPY_RECORD = "the record's own file is not known: put its path in the place of {stand_in}"
COPY_FOLDER = "paths are as they were typed: run it in the folder where the job was submitted"
COPY_CONTEXT = "OCIO's context was {names}: set these variables"
COPY_DEMONSTRATION = "it was a demonstration, which only `understudy demo` makes; this one is uncleared"
SEVERAL_CANCEL_SURE = "Cancel {jobs}? {done} of {total} frames are finished; Retry goes on from them."
CHANGED = "{take} is {state}, priority {priority}"
SEVERAL_DONE = "{jobs} changed."
SEVERAL_LEFT = "{jobs} changed, {left} not: {message}. {remedy}"
SUBMIT = "&New job…"
DAEMON = "&Daemon…"
QUIT = "&Quit"
FIND = "&Find"
JOB_MENU = "&Job"
FILE_MENU = "&File"
VIEW_MENU = "&View"
CANCEL_SURE = "Cancel {shot} v{version:03}? {done} of {total} frames are finished; Retry goes on from them."

NO_FOLDER_HERE = "Its files are not on this machine, or there are none yet; Fetch (F) brings a delivered take."

FETCH_TITLE = "A folder for {take}"
FETCH_UNDER_WAY = "Fetching {take}…"
FETCH_STOP = "&Stop"
FETCH_STOPPED = "Stopped; the same fetch into the same folder goes on from there."
FETCHED = "It lies in {folder}"
FETCH_BUSY = "A take is being fetched already."

CENTRE_NAME = "The take"
CENTRE_EMPTY = "The take that is chosen on the left is shown here."
CENTRE_NOT_YET = "{shot} v{version:03} has no files yet."
CENTRE_ELSEWHERE = "{shot} v{version:03} lies on the daemon's machine:\n{folder}\nBring it here with\n{command}"
CENTRE_REMOVED = "The files of {shot} v{version:03} were removed from the daemon's disk."
CENTRE_WITHDRAWN = "{take}: nothing may be looked at.\nWhy stands below the list of jobs."

DETAILS_NAME = "What there is to know of this job"
DETAILS_EMPTY = "What is chosen above is explained here: what became of it, and what to do next."
HAPPENED = "What happened"
KEPT = "What was kept"
NEXT = "What to do next"
GATE = "What was checked"
INPUTS = "Inputs"
CHOSEN = "Settings"
FILES = "Files"
KEPT_BY_STATE = {
    "failed": "{done} of {total} frames are finished and kept; Retry goes on from them.",
    "cancelled": "{done} of {total} frames are finished; Retry goes on from what is still there.",
    "parked": "{done} of {total} frames are kept; the job goes on by itself when there is room.",
    "paused": "{done} of {total} frames are kept; Resume goes on from them.",
    "refused": "No frame leaves this job. Its inputs stay in the vault, so a corrected job is sent at once.",
    "quarantined": "The frames are set aside on the daemon's machine and handed to no one.",
}
OUTCOMES = {
    "refuse": "REFUSED",
    "broken": "DID NOT RUN",
    "warn": "WARNING",
    "note": "NOTE",
    "waived": "WAIVED",
}
PASSED = "{count} rules passed or did not apply."
NO_FINDINGS = "Nothing was said yet."

REDO_TITLE = "Redo a segment"
REDO_SEGMENT = "&Segment, from 1"
REDO_STRIP_NAME = "Where the segments lie"
REDO_FRAMES = "frames {first} to {last}, pixels of v{version:03}"
REDO_CARRIED = "; pictures carried over from the one before: {carried}"
REDO_SEED = "S&eed"
REDO_SEED_SAME = "the one it had"
REDO_CASCADE = "&Cascade: this segment and all after it"
REDO_ALONE = "&Alone: only this segment"
REDO_DISSOLVE = "&Dissolve into the next segment"
REDO_WILL = {
    "cascade": "Segment {segment} and every one after it are made again. Those before it stay, byte for byte.",
    "alone": "Only segment {segment} is made again; those after it are kept, and the jump at both seams is measured.",
    "dissolve": " Its last pictures dissolve into the next segment.",
}
REDO_VERSION = " The result is a new version; v{version:03} stays as it is."
REDO_GO = "&Make it again"

SUBMIT_TITLE = "New job"
SUBMIT_DRAFT = "&Draft with preview"
SUBMIT_FINAL = "&Submit"
SUBMIT_DRAFT_HELP = "Blocking pictures without a GPU, in seconds; every file says so."
PAPERS_AGAIN = "Submit again with papers…"
PAPERS_AGAIN_HELP = "Opens this job in the form; Edit papers… there begins them."
SUBMIT_FINAL_HELP = "Send the job with the chosen engine."
SUBMIT_LOOKING = "for looking at, never part of a final"
SUBMIT_READING = "Reading files: {done} of {total}"
SUBMIT_SENDING = "Sending: {done} of {total} MiB"
SUBMIT_WAITING = "No room on the daemon: {message}. {remedy}"
SUBMIT_ACCEPTED = "Job {job_id} is {state}, version {version}."
SUBMIT_NO_DAEMON = "No daemon answers: the job can be filled in, and sent when one does."
SECTIONS = {
    "inputs": "Inputs",
    "shot": "Shot",
    "engine": "Engine",
    "options": "What this engine lets you choose",
    "papers": "Papers",
    "more": "Colour, files, order in the queue",
}
FIELDS = {
    "matte": "Matte (roto)",
    "reference": "Character",
    "frames": "Frames",
    "first": "Movie starts at",
    "rate": "Frames per second",
    "shot": "Shot name",
    "project": "Show",
    "record": "Papers",
    "self_attest": "None yet: say why",
    "reference_colour": "Character colour",
    "ocio": "OCIO config",
}
"""Labels of fields whose names are not an artist's own words; the others are called as they are declared."""
PAPERS_WHAT = "Who is seen, and what they agreed to. Without them a take is for looking at: every file says uncleared."
CHOOSE = "Choose…"
CHOOSE_NAME = "Choose a file for {field}"
NEEDED = "needed by {engine} in mode {mode}"
NOT_READ = "{engine} does not read it"
UNSAID = "({choice})"
PAPERS_NEEDED = "needed: papers, or below who tries this and why (“Ada: lighting test”)"
PAPERS_TWO = "a job has papers or goes without, not both"
NO_SUCH_FILE = "there is no such file"

FAULT_TITLE = "A fault of the panel"
FAULT_SAID = "Something happened that the panel did not foresee ({times}). {kind}: {problem}"
FAULT_NEXT = (
    "Jobs are the daemon's and go on, and what you typed is still there. Go on working; if something looks wrong, "
    "close the panel and open it again. Copy the report and send it to whoever looks after Understudy in your house."
)
FAULT_REPORT = "The report"
FAULT_COPY = "&Copy the report"
FAULT_COPIED = "Copied."

MEMORY_DAMAGED = "{file} could not be read ({problem}). It was set aside as {kept}; what you choose is remembered anew."
MEMORY_UNREAD = "{file}, what the panel remembers, cannot be used: {problem}"
MEMORY_UNREAD_REMEDY = (
    "It stays as it is, and nothing is remembered until it can be read and the panel is opened again."
)
MEMORY_OPEN = "others can read it (run `chmod 600 '{file}'`)"
MEMORY_NO_FILE = "it is no plain file"
MEMORY_RESET = "Forget what the panel &remembers…"
CLOSE_SENDING = (
    "A job is being sent. Close all the same? What has arrived is kept, and is not sent again with the next try."
)
MEMORY_RESET_SURE = (
    "Forget the last choices of every show, the window's layout and the list of daemons? Jobs, papers and keys stay."
)
MEMORY_RESET_DONE = "Forgotten. The layout is the old one again when the panel is opened next."

DAEMON_TITLE = "Daemon"
DAEMON_STATES = {
    "looking": "looking for a daemon",
    "alive": "alive",
    "away": "away: its jobs go on when it is back, and so does this list",
    "refused": "refuses this key",
}
DAEMON_NONE = "No daemon yet"
DAEMON_KEY = "&Connect by key file…"
DAEMON_START = "&Start one here"
DAEMON_AGAIN = "&Try again"
DAEMON_STARTING = "starting a daemon…"
DAEMON_SAME_MACHINE = "on this machine"
DAEMON_ELSEWHERE = "across the network"
DAEMON_DRAINING = "finishes what runs, then exits"
IDLE = "idle"
QUEUED = "{count} waiting"
OF_QUOTA = "{used} of {quota}"
FREE = "{free} free"
KEY_FILE = "Connection file"
UPTIME = "Up for"
GPU = "GPU {index}"
GPUS = "GPUs"
NO_GPU = "none that `nvidia-smi` knows of on the daemon's machine"
GPU_SAID = "{name}, {used} of {total} in use{owners}"
WAITING_AT = "Waiting {place}"
WAITING_SAID = "{shot} by {user} ({job}), for {since}"
WAITING_HIDDEN = "a job that your key may not see, for {since}"
WAITING_MORE = "and {jobs} more"
PACKS = "Packs in force"
LEDGER = "Ledger"
LEDGER_SAID = "{entries}, the newest {digest}…"
FOLLOWS = "Follows"
MACHINE_UNTOLD = "This daemon is older and does not tell its GPUs, queue, packs and ledger."
DAEMON_RECENT = "&Recent:"
DAEMON_RECENT_CONNECT = "C&onnect"
DAEMON_RECENT_NAME = "Daemons that this panel was connected to"
DAEMON_DRAIN = "&Drain…"
DAEMON_DRAIN_HELP = "Let this daemon finish what runs and exit. For admins."
DAEMON_DRAIN_SURE = "Let the daemon at {where} finish {running} and then exit? {waiting} when it is started again."
DAEMON_DRAIN_WAITING = "What waits ({jobs}) is kept, and goes on"
DAEMON_DRAIN_NONE = "Nothing waits; jobs are taken"


def take_of(shot: str, version: int) -> str:
    """Return how a take is called; a job that was refused at once has no version."""
    return f"{shot} v{version:03}" if version else shot


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 job`, `2 jobs`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def in_bytes(count: int) -> str:
    """Return a size as people read it: 1.5 GiB."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def in_time(seconds: float) -> str:
    """Return a duration as people read it: 2 h 05 min, 3 min 20 s, 12 s."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {left:02} s" if minutes else f"{left} s"
