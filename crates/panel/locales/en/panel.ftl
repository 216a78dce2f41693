## Frame
menu = Pages
on-air = On air
run-sheet = Run-sheet
receivers = Receivers
as-run = As-run log
skip = To the content
log-out = Log out
problem = Not done
not-found = There is no such page.
back = Back to On air

## Logging in
log-in = Log in
log-in-hint = For those on duty at the station.
user-name = User name
password = Password
login-wrong = Wrong user name or password.
login-too-many = Too many tries. Wait a minute.

## On air
no-zones = There are no zones yet. Import some: loa schedule import zones.toml
silent = Silent
sounding = { $sounding } of { $all } zones sound
from = from
until = until
put-on-by = put on by
next = Next
waiting = Waiting
drop = Drop
drop-confirm = Take this out of the queue?
stop = Stop
stop-confirm = Take this off the air?
listen = Listen
listen-failed = The sound of this zone cannot be played here. Try again, or open its SDP file in a player.
as-of = As of
connection-lost = The connection to the head-end is lost. What you see may be old; trying again.
override = Override now
override-hint = Airs a file from the library at once, over everything weaker. What it interrupts goes on afterwards by itself.
override-confirm = Put this on the air now?
no-media = The library is empty. Add a file: loa media add FILE
library-unavailable = The library does not answer, so nothing can be chosen here. What is on air goes on.
zone = Zone
media = Audio file
class = Class
limit-min = Stop after (minutes)
chime = Chime before
start = Put on air

## Run-sheet and as-run log
date = { $year }-{ $month }-{ $day }
monday = Monday
tuesday = Tuesday
wednesday = Wednesday
thursday = Thursday
friday = Friday
saturday = Saturday
sunday = Sunday
day = Day
every-zone = Every zone
show = Show
today = Today
day-before = Day before
day-after = Day after
run-sheet-number = Plan number { $number }
nothing-planned = Nothing is planned on this day.
nothing-aired = Nothing was aired on this day.
part = part { $part }
on-air-now = on air now
put-on = put on air by { $by }
not-aired = not aired

## Receivers
no-receivers = No receiver is registered yet. Add one: loa receiver add
receivers-heard = { $heard } of { $all } reported within the last minute
receivers-never = Never heard from: { $codes }
receiver-never = Never heard from
receiver-never-hint = Is it switched on, is its network up, and does its configuration hold this code?
receiver-late = Not heard from since { $at }
receiver-heard = Reported at { $at }
plays = Plays
played = Last played
buffer = Buffer
output = Output
clock = Clock
clock-ok = synchronised
clock-arrival = plays by arrival
counts = Since it started
count-lost = lost
count-late = late
count-concealed = concealed
count-forged = forged
count-unknown-key = unknown key
count-unauthorised = not authorised
count-stale = out of date
count-replayed = replayed
count-malformed = malformed
count-wrong-zone = wrong zone
count-undecodable = undecodable
count-net-kernel-full = network queue full
count-card-underruns = card underruns
count-card-lost = card lost

## Classes and verdicts
class-background = Background
class-normal = Normal
class-priority = Priority
class-live = Live
class-emergency = Emergency
verdict-airs = airs
verdict-shifts = shifts
verdict-dropped = does not air

## Why something ended
end-completed = completed
end-time-limit = reached its time limit
end-pre-empted = pre-empted
end-pre-empted-by = pre-empted by “{ $title }”
end-stopped = stopped by { $by }
end-missed = missed its time
end-unplanned = taken out of the plan
end-head-end-stopped = the head-end was shut down
end-head-end-lost = the head-end was lost
end-fault = fault: { $what }

## Why a line stands as it does
reason-scheduled = scheduled: { $rule }
reason-cut = { $length } long, the slot allows { $limit }: fades there
reason-outranks = goes before #{ $line } “{ $title }” ({ $why })
reason-yields = yields to #{ $line } “{ $title }” ({ $why }), { $then }
reason-off-air = off the air from { $from } to { $back }
reason-off-air-for-good = off the air from { $from }, for good
reason-ceded = in { $zone }, #{ $line } “{ $title }” is heard instead ({ $why })
reason-media-missing = the library does not hold its file
reason-cancelled = cancelled on this day
reason-cancelled-because = cancelled on this day: { $note }
then-resume = then resumes where it was cut
then-rejoin = then rejoins in mid-programme
then-drop = then is over
tie-class = stronger class
tie-authority = higher zone
tie-first-come = began first
tie-newest = newer emergency

## Refusals
refused-log-in-first = You are not logged in.
refused-too-many-listeners = Too many people follow the air at the moment. Try again later.
refused-no-zone = There is no zone “{ $code }”.
refused-no-media = The library no longer holds this audio file ({ $hash }).
refused-no-run-sheet = There is no run-sheet for { $date }.
refused-no-date = “{ $text }” is no date. Write it as 2026-12-04.
refused-limit = An override stops after 1 to { $most } minutes.
refused-zone-gone = This zone no longer exists.
refused-session-over = It is already over: neither on air nor waiting.
refused-zone-full = This zone already holds { $most } pieces, on air and waiting. Stop one first.
refused-shutting-down = The head-end is shutting down.
refused-by-engine = The head-end refused: { $why }.
refused-not-found = Not found: { $what }.
refused-unavailable = The head-end cannot answer at the moment: { $why }. What is on air goes on.
refused-bad-request = The head-end did not understand this request.
refused-other-site = This request came from another site, so nothing was done.
refused-too-long = This is longer than the panel accepts.
refused-fault = The panel failed at this. What is on air goes on.
