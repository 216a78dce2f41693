//! The model's air: events in the order in which they are heard, and who has the air after each of them.

use std::cmp::Reverse;

use loa_model::{PreEmption, Priority, SessionId, ZoneId};

use crate::model::{Model, REFUSED, Wish};
use crate::rows::{Part, Row, Told};
use crate::script::{AHEAD, Line, MINUTE, Ms, Programme, START};

impl Model {
    /// Decides what is planned to be heard by `heard`.
    pub(crate) fn decide(&mut self, heard: Ms) {
        while let Some(next) = self.next_event().filter(|next| *next <= heard) {
            self.decided = next;
            self.take_events(next, (next - AHEAD).max(self.begun));
        }
        self.decided = self.decided.max(heard);
    }

    pub(crate) fn next_event(&self) -> Option<Ms> {
        let lines = self.upcoming.iter().map(|(line, _)| line.start);
        let wishes = self.wishes.iter().flat_map(|wish| {
            let silence = self.falls_silent(wish).map(|(at, _)| at);
            [wish.ends(), silence, wish.expires().map(|(at, _)| at)]
        });
        lines.chain(wishes.flatten()).min()
    }

    /// Takes the events of an instant one by one: what ends makes room for what begins.
    pub(crate) fn take_events(&mut self, heard: Ms, said: Ms) {
        let due = |at: Option<Ms>| at.filter(|at| *at <= heard);
        loop {
            let first = |at: &dyn Fn(&Wish) -> Option<Ms>| {
                let wishes = self.wishes.iter().enumerate();
                let found = wishes.filter_map(|(index, wish)| Some((due(at(wish))?, wish.number, index)));
                found.min().map(|(.., index)| index)
            };
            if let Some(index) = first(&Wish::ends) {
                let why = if self.wishes[index].programme.cut {
                    "time_limit"
                } else {
                    "completed"
                };
                self.leave(index, heard, why);
                self.wishes.remove(index);
            } else if let Some(index) = first(&|wish| self.falls_silent(wish).map(|(at, _)| at)) {
                let why = self.falls_silent(&self.wishes[index]).map_or("", |(_, why)| why);
                self.end(index, heard, said, why);
                self.wishes.remove(index);
            } else if let Some(index) = first(&|wish| wish.expires().map(|(at, _)| at)) {
                self.expire(index, said);
            } else if let Some(line) = self.next_line(heard) {
                self.begin(&line, heard, said);
            } else {
                break;
            }
            self.arrange(heard, said);
        }
    }

    /// Takes off the first line that begins by `heard`.
    pub(crate) fn next_line(&mut self, heard: Ms) -> Option<(Line, Programme)> {
        let due = self
            .upcoming
            .iter()
            .enumerate()
            .filter(|(_, (line, _))| line.start <= heard);
        let (index, _) = due.min_by_key(|(_, (line, _))| (line.start, line.slot))?;
        Some(self.upcoming.remove(index))
    }

    /// Lets a line want the air, so that it is heard from `heard` on if it may.
    pub(crate) fn begin(&mut self, (line, programme): &(Line, Programme), heard: Ms, said: Ms) {
        let end = line.start + programme.length;
        self.done.insert(line.slot);
        let waited = programme.pre_emption == PreEmption::Resume
            && self
                .rows
                .iter()
                .any(|row| row.slot == Some(line.slot) && matches!(row.what, Told::Delayed));
        let late = line.start < self.begun && line.start + LATE_START < heard && !waited;
        let name = format!("p{}", line.slot);
        let missed = end <= heard && !waited;
        let why = if missed {
            Some("missed")
        } else if !programme.approved {
            Some(REFUSED)
        } else {
            self.silent(line.zone, line.start)
        };
        if let Some(why) = why {
            if !missed || self.lost.is_some_and(|lost| end > lost) {
                self.rows
                    .push(Row::never(&name, line.slot, line.start, said, why));
            }
            return;
        }
        let wish = self.wish(name, line.zone, *programme, line.start);
        self.wishes.push(Wish {
            slot: Some(line.slot),
            planned: Some(line.start),
            zero: late.then_some(line.start),
            delayed: waited,
            ..wish
        });
    }

    pub(crate) fn wish(&mut self, name: String, zone: i64, programme: Programme, since: Ms) -> Wish {
        self.wished += 1;
        let number = SessionId::new(self.epoch, self.wished);
        self.names.insert(number, name.clone());
        Wish {
            name,
            slot: None,
            number,
            zone,
            programme,
            authored: false,
            planned: None,
            offset: 0,
            zero: None,
            on_air: None,
            off_air: since,
            aired: false,
            row: None,
            kept_off: false,
            taken_back: self.begun,
            delayed: false,
            over: false,
        }
    }

    /// Lets what a row tells of go on, if it does.
    pub(crate) fn restore(&mut self, row: &Part, heard: Ms) {
        let pre_empted = row.why.starts_with("pre_empted");
        let Wish { zone, programme, .. } = row.wish;
        let goes_on =
            row.why.starts_with("head_end") || (pre_empted && programme.pre_emption != PreEmption::Drop);
        let resumes = pre_empted && programme.pre_emption == PreEmption::Resume;
        let zero = row.at - row.wish.offset;
        if !goes_on || (!resumes && zero + programme.length <= heard) {
            return;
        }
        let wish = self.wish(row.wish.name.clone(), zone, programme, row.end);
        self.wishes.push(Wish {
            slot: row.wish.slot,
            authored: row.wish.authored,
            offset: row.wish.offset + if resumes { row.end - row.at } else { 0 },
            zero: (!resumes).then_some(zero),
            aired: true,
            ..wish
        });
    }

    /// Ends what is over before any media can be there: it has waited for too long, or has to be silent from `heard` on.
    pub(crate) fn end_unheard(&mut self, heard: Ms) {
        for wish in std::mem::take(&mut self.wishes) {
            let quiet = (!wish.authored && !self.permits(wish.zone, heard)).then_some((heard, "quiet_hours"));
            let gave_up = wish.gives_up().map(|at| (at, "gave_up"));
            let over = [quiet, gave_up].into_iter().flatten().min_by_key(|(at, _)| *at);
            match over.filter(|(at, _)| *at <= heard + AHEAD - START) {
                Some((_, why)) => self.tell_end(&wish, self.begun, why),
                None => self.wishes.push(wish),
            }
        }
    }

    fn expire(&mut self, index: usize, said: Ms) {
        let wish = self.wishes.remove(index);
        let why = wish.expires().map_or("", |(_, why)| why);
        let said = said.max(wish.taken_back);
        if !wish.aired || why == "gave_up" {
            self.tell_end(&wish, said, why);
        }
    }

    /// Gives the air of each zone to the strongest that wants it there or above.
    pub(crate) fn arrange(&mut self, heard: Ms, said: Ms) {
        let mut order: Vec<_> = (0..self.wishes.len()).collect();
        order.sort_by_key(|index| Reverse(self.priority(&self.wishes[*index])));
        let mut claims: Vec<(ZoneId, String)> = Vec::new();
        for index in order {
            let zone = ZoneId(self.wishes[index].zone);
            let stronger = claims.iter().find(|(above, _)| self.tree.covers(*above, zone));
            if let Some((_, by)) = stronger {
                let why = format!("pre_empted by {by}");
                self.keep_off(index, &why, heard, said);
            } else if !self.take(index, heard, said) {
                continue;
            }
            claims.push((zone, self.wishes[index].name.clone()));
        }
        self.wishes.retain(|wish| !wish.over);
    }

    pub(crate) fn priority(&self, wish: &Wish) -> Priority {
        Priority {
            class: wish.programme.class,
            depth: self.tree.depth(ZoneId(wish.zone)),
            order: wish.programme.order,
            session: wish.number,
        }
    }

    /// Puts a wish on the air, if it may sound.
    fn take(&mut self, index: usize, heard: Ms, said: Ms) -> bool {
        let wish = &self.wishes[index];
        if wish.on_air.is_some() {
            return true;
        }
        let over = wish
            .zero
            .is_some_and(|zero| zero + wish.programme.length <= heard);
        let quiet = !wish.authored && !self.permits(wish.zone, heard);
        if over || quiet {
            return false;
        }
        if !wish.authored && self.spent_from(wish.zone, heard) == Some(heard) {
            let wish = wish.clone();
            self.tell_end(&wish, said, "minutes_spent");
            self.wishes[index].over = true;
            return false;
        }
        self.wishes[index].on_air = Some(heard);
        true
    }

    fn keep_off(&mut self, index: usize, why: &str, heard: Ms, said: Ms) {
        let wish = &mut self.wishes[index];
        let drops = wish.programme.pre_emption == PreEmption::Drop;
        let was_to_begin = wish.on_air == Some(heard);
        if wish.on_air.is_some_and(|since| since < heard) {
            self.leave(index, heard, why);
            self.wishes[index].over = drops;
        } else if drops && wish.aired {
            wish.on_air = None;
            wish.over = true;
            let wish = wish.clone();
            self.tell_end(&wish, said, why);
        } else {
            wish.on_air = None;
        }
        let wish = &mut self.wishes[index];
        if was_to_begin {
            wish.taken_back = said;
        }
        wish.kept_off = true;
        if wish.programme.pre_emption.rejoins() {
            wish.zero = wish.zero.or(wish.planned);
        } else if wish.programme.pre_emption == PreEmption::Resume
            && let Some(zero) = wish.zero.take()
        {
            wish.offset = wish.offset.max(heard - zero);
        }
    }

    /// Ends a wish for good, so that it is silent from `heard` on.
    pub(crate) fn end(&mut self, index: usize, heard: Ms, said: Ms, why: &str) {
        if self.wishes[index].on_air.is_some_and(|since| since < heard) {
            self.leave(index, heard, why);
        } else {
            let wish = self.wishes[index].clone();
            self.tell_end(&wish, said, why);
        }
        self.wishes[index].over = true;
    }

    /// Takes a wish off the air.
    pub(crate) fn leave(&mut self, index: usize, heard: Ms, why: &str) {
        let wish = &mut self.wishes[index];
        let Some(since) = wish.on_air.take() else { return };
        wish.offset = wish.reaches(since);
        let before = wish.clone();
        wish.zero = wish
            .programme
            .pre_emption
            .rejoins()
            .then_some(since - wish.offset);
        wish.offset += heard - since;
        (wish.off_air, wish.aired) = (heard, true);
        if before.planned.is_some_and(|planned| planned < since) {
            self.tell_delay(&before, since);
        }
        self.wishes[index].delayed = true;
        self.wishes[index].row = Some(self.rows.len());
        self.rows.push(Row::part(&before, since, heard, why));
    }

    /// Tells why something ended for good that is not on the air: its last part does if it still sounds.
    pub(crate) fn tell_end(&mut self, wish: &Wish, said: Ms, why: &str) {
        let last = wish.row.and_then(|row| match &mut self.rows[row].what {
            Told::Part(part) => Some(part),
            _ => None,
        });
        if let Some(part) = last.filter(|part| part.end > said) {
            why.clone_into(&mut part.why);
        } else if wish.aired {
            self.rows.push(Row::part(wish, said, said, why));
        } else if let (Some(slot), Some(planned)) = (wish.slot, wish.planned) {
            self.tell_delay(wish, said - 1);
            self.rows.push(Row::never(&wish.name, slot, planned, said, why));
        }
    }

    /// Tells that something could not begin at its time, if that had come by `said`.
    pub(crate) fn tell_delay(&mut self, wish: &Wish, said: Ms) {
        let Some(planned) = wish.planned.filter(|_| wish.kept_off && !wish.delayed) else {
            return;
        };
        let told = planned.max(self.begun);
        if told <= said {
            self.rows.push(Row {
                name: wish.name.clone(),
                slot: wish.slot,
                told,
                at: planned,
                what: Told::Delayed,
            });
        }
    }

    /// Closes the log of a run that was lost at `at`: what was not heard by then did not happen.
    pub(crate) fn close_log(&mut self, at: Ms) {
        for mut wish in std::mem::take(&mut self.wishes) {
            match wish.on_air.filter(|since| *since <= at) {
                Some(since) => {
                    wish.offset = wish.reaches(since);
                    if wish.planned.is_some_and(|planned| planned < since) {
                        self.tell_delay(&wish, since);
                    }
                    self.rows.push(Row::part(&wish, since, at, LOST));
                }
                None if wish.aired => {}
                None => self.tell_delay(&wish, at),
            }
        }
        self.rows.retain(|row| row.told <= at);
        for row in &mut self.rows {
            if let Told::Part(part) = &mut row.what
                && part.end > at
            {
                part.end = at;
                LOST.clone_into(&mut part.why);
            }
        }
    }

    /// Tells why a zone may not sound at an instant, if it may not.
    pub(crate) fn silent(&self, zone: i64, at: Ms) -> Option<&'static str> {
        if !self.permits(zone, at) {
            return Some("quiet_hours");
        }
        let day = self.day(at);
        let limit = self.limit(zone)?;
        (self.sounded(zone, day) >= limit).then_some("minutes_spent")
    }

    fn permits(&self, zone: i64, at: Ms) -> bool {
        self.quiet_from(zone, at) != Some(at)
    }

    fn quiet_from(&self, zone: i64, at: Ms) -> Option<Ms> {
        let (from, to) = self.quiet.get(&zone)?.permitted?;
        let (from, to) = (Ms::from(from) * MINUTE, Ms::from(to) * MINUTE);
        Some(if (from..to).contains(&at) { to } else { at })
    }

    fn limit(&self, zone: i64) -> Option<Ms> {
        let minutes = self.quiet.get(&zone)?.minutes_a_day?;
        Some(Ms::from(minutes) * MINUTE)
    }

    /// When a wish has to be silent, and why.
    fn falls_silent(&self, wish: &Wish) -> Option<(Ms, &'static str)> {
        if wish.authored {
            return None;
        }
        let quiet = self
            .quiet_from(wish.zone, self.decided)
            .map(|at| (at, "quiet_hours"));
        let spent = wish.on_air.and_then(|since| self.spent_from(wish.zone, since));
        let spent = spent.map(|at| (at, "minutes_spent"));
        [quiet, spent].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// When the minutes of a zone are over, if it sounds from `since` on. A day begins with all of them.
    fn spent_from(&self, zone: i64, since: Ms) -> Option<Ms> {
        let limit = self.limit(zone)?;
        let day = self.day(since);
        let spent = since + (limit - self.sounded(zone, (day.0, since))).max(0);
        Some(if spent < day.1 { spent } else { day.1 + limit })
    }

    fn day(&self, at: Ms) -> (Ms, Ms) {
        if at < self.midnight {
            (Ms::MIN, self.midnight)
        } else {
            (self.midnight, Ms::MAX)
        }
    }

    /// For how long a zone heard anything that counts, by now.
    fn sounded(&self, zone: i64, (from, to): (Ms, Ms)) -> Ms {
        let parts = self.rows.iter().filter_map(Row::as_part);
        let parts = parts.map(|part| (&part.wish, part.at, part.end));
        let on_air = self
            .wishes
            .iter()
            .filter_map(|wish| Some((wish, wish.on_air?, self.decided)));
        let counts = |wish: &Wish| !wish.authored && self.tree.covers(ZoneId(wish.zone), ZoneId(zone));
        let mut stretches: Vec<_> = parts
            .chain(on_air)
            .filter(|(wish, ..)| counts(wish))
            .map(|(_, at, end)| (at.max(from), end.min(to)))
            .filter(|(at, end)| at < end)
            .collect();
        stretches.sort_unstable();
        let (mut sounded, mut until) = (0, Ms::MIN);
        for (at, end) in stretches {
            sounded += (end - at.max(until)).max(0);
            until = until.max(end);
        }
        sounded
    }
}

impl Wish {
    fn ends(&self) -> Option<Ms> {
        let since = self.on_air?;
        Some(since + self.programme.length - self.reaches(since))
    }

    /// How far into it it goes on at an instant.
    fn reaches(&self, at: Ms) -> Ms {
        self.zero.map_or(self.offset, |zero| self.offset.max(at - zero))
    }

    /// When it is over without having the air again, and why.
    fn expires(&self) -> Option<(Ms, &'static str)> {
        if self.on_air.is_some() {
            return None;
        }
        let drops = self.programme.pre_emption == PreEmption::Drop && !self.aired;
        let passed = self.zero.map(|zero| zero + self.programme.length);
        let missed = self.planned.filter(|_| drops).or(passed).map(|at| (at, "missed"));
        let gave_up = self.gives_up().map(|at| (at, "gave_up"));
        [missed, gave_up].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn gives_up(&self) -> Option<Ms> {
        Some(self.off_air + self.programme.patience?)
    }
}

const LOST: &str = "head_end_lost";
/// What begins this late or less begins at its beginning.
const LATE_START: Ms = 2_000;
