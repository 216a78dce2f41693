-- 0001: the first schema.
-- A set of receivers addressed together; a tree. Never deleted: the as-run log speaks of it.
create table zone (
  id       integer primary key,
  code     text not null unique,
  name     text not null,
  -- The zone it lies in; null for a top zone.
  parent   integer references zone (id),
  -- Its multicast group is the base address plus this.
  channel  integer not null unique check (channel between 0 and 65534)
) strict;

-- A box on a pole.
create table receiver (
  id          integer primary key,
  code        text not null unique,
  zone        integer not null references zone (id),
  -- Ed25519 key that signs its reports, 32 bytes.
  public_key  blob not null check (length(public_key) = 32),
  -- Its newest report: when it was made, and the JSON of it. Null until it was first heard from.
  report_at   integer,
  report      text
) strict;

-- What a receiver says it played of a session; the newest word for each.
create table receipt (
  session   integer not null,
  receiver  integer not null references receiver (id) on delete cascade,
  at        integer not null,
  -- JSON of `loa_model::Receipt`.
  body      text not null,
  primary key (session, receiver)
) strict;

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
  added_at       integer not null
) strict;

-- Something that can be aired.
create table programme (
  id           integer primary key,
  code         text not null unique,
  title        text not null,
  media        text not null references media (hash),
  class        text not null check (class in ('background', 'normal', 'priority', 'live', 'emergency')),
  chime        integer not null check (chime in (0, 1)),
  pre_emption  text not null check (pre_emption in ('resume', 'rejoin', 'drop')),
  -- Schedule file that declares it.
  file         text not null
) strict;

-- A recurring rule that places a programme in zones.
create table slot (
  id            integer primary key,
  code          text not null unique,
  programme     integer not null references programme (id),
  -- Exactly one of the two: a cron line as written, or a local date and time (ISO 8601).
  cron          text,
  once          text,
  valid_from    text,
  valid_to      text,
  class         text not null check (class in ('background', 'normal', 'priority', 'live', 'emergency')),
  max_duration  integer not null check (max_duration > 0),
  file          text not null,
  check ((cron is null) <> (once is null))
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
  change  text not null check (change in ('cancel')),
  note    text not null,
  file    text not null,
  primary key (slot, date)
) strict;

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
  media        text not null,
  class        text not null check (class in ('background', 'normal', 'priority', 'live', 'emergency')),
  pre_emption  text not null check (pre_emption in ('resume', 'rejoin', 'drop')),
  cut          integer not null check (cut in (0, 1)),
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
  -- When `media_offset` sounded.
  at            integer not null,
  media_offset  integer not null,
  -- When it would have ended by itself.
  ends          integer not null,
  -- Null while it is on air.
  ended_at      integer,
  ended_offset  integer,
  -- Why it ended: the cause's code, and its JSON.
  cause         text check (cause in ('completed', 'time_limit', 'pre_empted', 'stopped', 'missed', 'unplanned',
                                      'head_end_stopped', 'head_end_lost', 'fault')),
  reason        text,
  -- What was sent; null until the last packet was.
  packets       integer,
  octets        integer,
  primary key (session, part),
  check ((ended_at is null) = (cause is null)),
  check (ended_at is null or ended_offset >= media_offset)
) strict;
create index as_run_at on as_run (at);
create index as_run_open on as_run (session) where ended_at is null;

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
  id        integer primary key,
  name      text not null unique,
  -- Argon2id, PHC string.
  password  text not null,
  added_at  integer not null
) strict;

-- Who is logged in; only the SHA-256 of the token is kept.
create table login (
  token    blob primary key check (length(token) = 32),
  user     integer not null references user (id) on delete cascade,
  expires  integer not null
) strict;

-- Who did what.
create table audit (
  id      integer primary key,
  at      integer not null,
  who     text not null,
  action  text not null,
  detail  text not null
) strict;
