-- 0001: the first schema.
-- A set of receivers addressed together; a tree. Never deleted: the as-run log speaks of it.
create table zone (
  id       integer primary key,
  code     text not null unique,
  name     text not null,
  -- The zone it lies in; null for a top zone.
  parent   integer references zone (id),
  -- Its multicast group is the base address plus this.
  channel  integer not null unique check (channel between 0 and 65534),
  -- JSON of `loa_model::ZoneSettings`.
  settings text not null check (json_valid(settings))
) strict;

-- Changes of quiet hours that wait for a second person.
create table quiet_change (
  zone      integer primary key references zone (id) on delete cascade,
  -- JSON of the `loa_model::ZoneSettings` that would be in force.
  settings  text not null check (json_valid(settings)),
  by_user   text not null,
  at        integer not null
) strict;

-- A box on a pole.
create table receiver (
  id          integer primary key,
  code        text not null unique,
  zone        integer not null references zone (id),
  -- Ed25519 key that signs its reports, 32 bytes.
  public_key  blob not null check (length(public_key) = 32),
  -- Where it stands, in millionths of a degree (WGS 84); null where that is not known.
  latitude    integer check (latitude between -90000000 and 90000000),
  longitude   integer check (longitude between -180000000 and 180000000),
  -- Its newest report: when it was made by the receiver's clock, when it came by the station's, and the JSON of it. Null
  -- until it was first heard from.
  report_at   integer,
  seen_at     integer,
  report      text,
  check ((latitude is null) = (longitude is null))
) strict;

-- The starts of a receiver that were heard of, so that no report is taken twice.
create table receiver_start (
  receiver   integer not null references receiver (id) on delete cascade,
  -- By the receiver's clock; and when the newest report of this start was made, by the same.
  started    integer not null,
  report_at  integer not null,
  primary key (receiver, started)
) strict;

-- What a receiver says it played of a session since it started, which is when it begins to count; the newest word of each
-- start. What it played is all of them together.
create table receipt (
  session   integer not null,
  receiver  integer not null references receiver (id) on delete cascade,
  -- By the receiver's clock.
  started   integer not null,
  at        integer not null,
  -- JSON of `loa_model::Receipt`.
  body      text not null,
  primary key (session, receiver, started)
) strict;
create index receipt_receiver on receipt (receiver, session);

-- A piece of audio in the library. Its files are media/HASH.*.
create table media (
  hash           text primary key check (length(hash) = 64),
  title          text not null unique,
  -- Name of the file it was imported from.
  file_name      text not null,
  format         text not null,
  -- At 48 kHz, after resampling.
  samples        integer not null check (samples > 0),
  -- LUFS; null when too quiet to measure.
  loudness       real,
  -- dBTP
  true_peak      real not null,
  -- dB
  gain           real not null,
  -- bit/s
  bitrate        integer not null,
  encoded_bytes  integer not null,
  added_at       integer not null,
  -- Name of the series of which it is an episode; null for none.
  series         text,
  -- Whose people may change and approve it; null for the whole station's.
  zone           integer references zone (id),
  added_by       text not null,
  -- What it was cut from, and which stretch of that, in samples at 48 kHz; null for a file that was given.
  cut_from       text check (length(cut_from) = 64),
  cut_start      integer check (cut_start >= 0),
  cut_end        integer check (cut_end > cut_start),
  check ((cut_from is null) = (cut_start is null) and (cut_from is null) = (cut_end is null))
) strict;
create index media_series on media (series) where series is not null;

-- Something that can be aired.
create table programme (
  -- Numbers are never used again: the as-run log speaks of them.
  id    integer primary key autoincrement,
  code  text not null unique,
  -- JSON of `loa_model::ProgrammeSpec`; programmes by id, media by hash.
  spec  text not null check (json_valid(spec)),
  -- Schedule file that declares it.
  file  text not null
) strict;

-- The media that a programme names.
create table programme_media (
  programme  integer not null references programme (id) on delete cascade,
  media      text not null references media (hash),
  primary key (programme, media)
) strict;

-- The programmes that a playlist or a series names.
create table programme_part (
  programme  integer not null references programme (id) on delete cascade,
  part       integer not null references programme (id),
  primary key (programme, part)
) strict;

-- A kind of day on which the ordinary week does not hold.
create table profile (
  id    integer primary key autoincrement,
  code  text not null unique,
  -- JSON of `loa_model::ProfileSpec`; slots, programmes and zones by id.
  spec  text not null check (json_valid(spec)),
  file  text not null
) strict;

-- Days on which people switched a profile on, besides its own.
create table profile_day (
  profile   integer not null references profile (id) on delete cascade,
  first     text not null,
  last      text not null check (last >= first),
  by_user   text not null,
  at        integer not null,
  primary key (profile, first)
) strict;

-- A rule that places a programme in zones.
create table slot (
  id         integer primary key autoincrement,
  code       text not null unique,
  programme  integer not null references programme (id),
  -- JSON of `loa_model::SlotSpec`; programme, zones and profile by id.
  spec       text not null check (json_valid(spec)),
  file       text not null
) strict;

-- Where a slot airs.
create table slot_zone (
  slot  integer not null references slot (id) on delete cascade,
  zone  integer not null references zone (id),
  primary key (slot, zone)
) strict;

-- A change to a slot's occurrences on one date that leaves the series alone.
create table slot_exception (
  slot    integer not null references slot (id) on delete cascade,
  date    text not null,
  -- Local time of day of the one occurrence that it changes; empty for all of that date.
  time    text not null,
  -- JSON of `loa_model::SlotChange`; programmes by id.
  change  text not null check (json_valid(change)),
  note    text not null,
  -- Schedule file that declares it; empty for one that was made in the panel.
  file    text not null,
  primary key (slot, date, time)
) strict;

-- Changes to the schedule that were made by hand, so that they can be taken back.
create table schedule_edit (
  -- Numbers are never used again: a form that takes one back must not take back another.
  id         integer primary key autoincrement,
  at         integer not null,
  by_user    text not null,
  detail     text not null,
  -- JSON: the zones that it is about.
  zones      text not null check (json_valid(zones)),
  -- It can be taken back until then.
  until      integer not null,
  -- JSON of `loa_model::RowChange`s, in the order in which they were made.
  changes    text not null check (json_valid(changes)),
  undone_at  integer,
  undone_by  text,
  check ((undone_at is null) = (undone_by is null))
) strict;

-- What was decided of something that could air, by the hash of exactly that.
create table approval (
  content  text primary key check (length(content) = 64),
  state    text not null check (state in ('draft', 'submitted', 'approved', 'rejected', 'archived')),
  by_user  text not null,
  at       integer not null,
  note     text not null
) strict;

-- Counts the changes to anything that days are planned from; the as-run log is not.
create table planning_version (
  only    integer primary key check (only = 1),
  number  integer not null
) strict;
insert into planning_version (only, number) values (1, 0);

-- Every plan that was ever in force; numbers count up.
create table run_sheet (
  number   integer primary key,
  date     text not null,
  made_at  integer not null,
  -- JSON of `loa_model::RunSheet`.
  body     text not null
) strict;
create index run_sheet_date on run_sheet (date, number);

-- One airing, through any pre-emption. Copies what it needs, so that it stays true when the schedule changes.
create table session (
  -- Epoch of the head-end in the high 32 bits.
  id           integer primary key,
  zone         integer not null references zone (id),
  title        text not null,
  -- JSON of `loa_model::Content`, as it was when the session began.
  content      text not null,
  class        text not null check (class in ('background', 'normal', 'priority', 'live', 'emergency')),
  -- The commune's own order among items of one class.
  place        integer not null,
  pre_emption  text not null check (pre_emption in ('resume', 'rejoin', 'duck', 'drop')),
  give_up_after integer,
  cut          integer not null check (cut in (0, 1)),
  -- An exercise.
  drill        integer not null check (drill in (0, 1)),
  -- Where it comes from: a slot's occurrence, or an override.
  slot         integer,
  slot_start   integer,
  check ((slot is null) = (slot_start is null))
) strict;
create index session_slot on session (slot, zone, slot_start) where slot is not null;

-- A person's order to put something on air; one row for each session of it.
create table override (
  session  integer primary key references session (id) on delete cascade,
  by_user  text not null,
  -- The session it began as.
  first    integer not null
) strict;

-- What was really on air: one row for each part of a session, with one start and one end.
create table as_run (
  session       integer not null references session (id) on delete cascade,
  part          integer not null check (part >= 1),
  -- What sounded: JSON of `loa_model::Sound`, and the hash if it was a piece of media.
  sound         text not null,
  media         text,
  -- When `media_offset` sounded.
  at            integer not null,
  media_offset  integer not null,
  -- When it would have ended by itself.
  ends          integer not null,
  -- Null while it is on air.
  ended_at      integer,
  ended_offset  integer,
  -- Why it ended: the cause's code, and its JSON.
  cause         text check (cause in ('completed', 'time_limit', 'pre_empted', 'stopped', 'refused', 'missed', 'gave_up',
                                      'quiet_hours', 'minutes_spent', 'source_failed', 'source_back', 'unplanned',
                                      'head_end_stopped', 'head_end_lost', 'speaker_lost', 'fault')),
  reason        text,
  -- What was sent; null until the last packet was.
  packets       integer,
  octets        integer,
  -- When the first packet was sent.
  first_packet  integer,
  primary key (session, part),
  check ((ended_at is null) = (cause is null)),
  check (ended_at is null or ended_offset >= media_offset)
) strict;
create index as_run_at on as_run (at);
create index as_run_media on as_run (media) where media is not null;
create index as_run_open on as_run (session) where ended_at is null;

-- Emergencies that lie ready. Numbers are never used again: the audit log speaks of them.
create table emergency_template (
  id     integer primary key autoincrement,
  title  text not null unique,
  -- JSON of `loa_model::EmergencyTemplate`; media by hash, zones by id.
  spec   text not null check (json_valid(spec))
) strict;

-- How a session came about that somebody asked for: when a button was pressed, and when the engine had accepted it.
create table asked (
  session   integer primary key,
  pressed   integer not null,
  accepted  integer not null
) strict;

-- A drill: where it was asked for, which sessions came of that, and which receivers stood there then. It is scored by what
-- those say that they played.
create table drill (
  id         integer primary key,
  pressed    integer not null,
  title      text not null,
  by_user    text not null,
  zones      text not null check (json_valid(zones)),
  sessions   text not null check (json_valid(sessions)),
  receivers  text not null check (json_valid(receivers))
) strict;

create index drill_pressed on drill (pressed);

-- Planned occurrences that could not begin at their time, because something stronger had the air.
create table delayed (
  slot   integer not null,
  zone   integer not null references zone (id),
  start  integer not null,
  -- When it was to begin, and the session that had the air.
  at     integer not null,
  by     integer not null,
  primary key (slot, zone, start)
) strict;

-- Planned occurrences that never took the air.
create table not_aired (
  slot    integer not null,
  zone    integer not null references zone (id),
  start   integer not null,
  title   text not null,
  at      integer not null,
  cause   text not null,
  reason  text not null,
  primary key (slot, zone, start)
) strict;
create index not_aired_start on not_aired (start);

-- When the head-end was last known to be sending.
create table heartbeat (
  only  integer primary key check (only = 1),
  at    integer not null
) strict;

-- Who may use the panel.
create table user (
  -- Numbers are never used again: a form about one person must not reach another.
  id              integer primary key autoincrement,
  name            text not null unique,
  -- Argon2id, PHC string.
  password        text not null,
  -- Until when the password lets in, if somebody else chose it: its owner must set another. Null for one of their own.
  password_until  integer,
  added_at        integer not null,
  -- Null for those who may log in.
  disabled_at     integer,
  -- Key of the one-time codes (RFC 6238), and the time step whose code was used last. Null for those without.
  totp            blob check (length(totp) = 20),
  totp_step       integer,
  -- Where the last complete login came from.
  last_address    text,
  check (totp_step is null or totp is not null)
) strict;

-- What people may do, and where.
create table role (
  user  integer not null references user (id) on delete cascade,
  role  text not null check (role in ('viewer', 'editor', 'approver', 'announcer', 'emergency_officer', 'administrator')),
  -- On this zone and all below it; null for every zone.
  zone  integer references zone (id) on delete cascade
) strict;
create unique index role_once on role (user, role, coalesce(zone, 0));

-- Codes that stand in for a lost phone, each once; only their SHA-256 is kept.
create table recovery_code (
  user  integer not null references user (id) on delete cascade,
  hash  blob not null check (length(hash) = 32),
  primary key (user, hash)
) strict;

-- Wrong passwords and wrong codes since the last right one, and until when no other is looked at.
create table lock (
  user      integer not null references user (id) on delete cascade,
  step      text not null check (step in ('password', 'code')),
  failures  integer not null check (failures > 0),
  until     integer,
  primary key (user, step)
) strict;

-- Who is logged in; only the SHA-256 of the token is kept.
create table login (
  -- Numbers are never used again: a form that ends a login must not end another one.
  id        integer primary key autoincrement,
  token     blob not null unique check (length(token) = 32),
  user      integer not null references user (id) on delete cascade,
  since     integer not null,
  -- To the minute.
  seen      integer not null,
  expires   integer not null,
  address   text not null,
  browser   text not null,
  -- Whether the one-time code is still to come.
  code_due  integer not null check (code_due in (0, 1))
) strict;

-- Tokens with which programs call in somebody's name; only the SHA-256 of what they show is kept.
create table token (
  -- Numbers are never used again: a form that revokes a token must not revoke another one.
  id           integer primary key autoincrement,
  hash         blob not null unique check (length(hash) = 32),
  user         integer not null references user (id) on delete cascade,
  name         text not null,
  -- What it may of what its owner may: words, separated by one space.
  permissions  text not null,
  -- Whether it may so wherever its owner may; otherwise in the zones of token_zone and below them.
  everywhere   integer not null check (everywhere in (0, 1)),
  since        integer not null,
  expires      integer not null,
  -- To the minute; null if never.
  seen         integer,
  unique (user, name)
) strict;

-- Where a token may what it may. A zone that is gone narrows it.
create table token_zone (
  token  integer not null references token (id) on delete cascade,
  zone   integer not null references zone (id) on delete cascade,
  primary key (token, zone)
) strict;

-- Who did what.
create table audit (
  id      integer primary key,
  at      integer not null,
  who     text not null,
  action  text not null,
  detail  text not null,
  -- What it was and what it became; empty where that says nothing.
  before  text not null,
  after   text not null,
  -- Binds the row to all before it; `crates/store/src/audit.rs` says how. Rows are only ever added.
  hash    text not null
) strict;
