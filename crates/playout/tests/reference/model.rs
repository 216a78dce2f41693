//! The model: who has the air when, by the order of priority and the policies, and what the as-run log says of it.
//!
//! It lives in the time at which things are heard, and goes from one event to the next. Of the engine it knows only how
//! long before it is heard a thing is decided, because a decision cannot be taken back in every case: first what is
//! planned, then what is stopped, then what is started.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use loa_model::{BulletinClass, PreEmption, SessionId, ZoneTree};

use crate::rows::{Part, Row, Told};
use crate::script::{AHEAD, GONE, Line, MINUTE, Ms, Override, Programme, Quiet, START, STOP, Zones};

pub(crate) struct Model {
    pub(crate) tree: ZoneTree,
    /// What is kept in each zone.
    pub(crate) quiet: BTreeMap<i64, Quiet>,
    pub(crate) midnight: Ms,
    /// Lines in force, and those of them that are to come.
    planned: Vec<(Line, Programme)>,
    pub(crate) upcoming: Vec<(Line, Programme)>,
    /// Slots that have begun, or never will.
    pub(crate) done: BTreeSet<i64>,
    /// What wants the air.
    pub(crate) wishes: Vec<Wish>,
    pub(crate) rows: Vec<Row>,
    pub(crate) wished: u32,
    pub(crate) epoch: u32,
    pub(crate) names: BTreeMap<SessionId, String>,
    started: usize,
    /// What is planned is decided up to here.
    pub(crate) decided: Ms,
    /// When this run began, and when the one before it was lost.
    pub(crate) begun: Ms,
    pub(crate) lost: Option<Ms>,
}

/// Something that wants the air.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) name: String,
    pub(crate) slot: Option<i64>,
    pub(crate) number: SessionId,
    pub(crate) zone: i64,
    pub(crate) programme: Programme,
    /// An emergency with a named author: quiet hours are not for it.
    pub(crate) authored: bool,
    pub(crate) planned: Option<Ms>,
    /// How far into it it goes on; or, if it goes on as if it had run, when its beginning would have been heard.
    pub(crate) offset: Ms,
    pub(crate) zero: Option<Ms>,
    pub(crate) on_air: Option<Ms>,
    pub(crate) off_air: Ms,
    /// Whether the log has it, and in which row it was last.
    pub(crate) aired: bool,
    pub(crate) row: Option<usize>,
    /// When it was last decided that it does not begin after all.
    pub(crate) taken_back: Ms,
    /// Whether something kept it off the air at its time, and whether the log tells that or need not.
    pub(crate) kept_off: bool,
    pub(crate) delayed: bool,
    pub(crate) over: bool,
}

impl Model {
    pub(crate) fn new(zones: &Zones) -> Self {
        Self {
            tree: zones.tree(),
            quiet: (1..=5)
                .filter_map(|zone| Some((zone, zones.quiet(zone)?.clone())))
                .collect(),
            midnight: Ms::from(zones.midnight) * MINUTE,
            planned: Vec::new(),
            upcoming: Vec::new(),
            done: BTreeSet::new(),
            wishes: Vec::new(),
            rows: Vec::new(),
            wished: 0,
            epoch: 1,
            names: BTreeMap::new(),
            started: 0,
            decided: 0,
            begun: 0,
            lost: None,
        }
    }

    /// Takes lines into force, in the place of those before; what goes is heard until `heard`.
    pub(crate) fn plan(&mut self, lines: Vec<(Line, Programme)>, heard: Ms) {
        let said = heard - STOP;
        self.decide(heard);
        let planned: BTreeSet<_> = lines.iter().map(|(line, _)| line.slot).collect();
        let before: BTreeSet<_> = self.planned.iter().map(|(line, _)| line.slot).collect();
        self.planned = lines;
        self.upcoming = self.to_come();
        self.refuse(heard, said);
        let gone = self
            .wishes
            .iter()
            .filter(|wish| wish.slot.is_some_and(|slot| !planned.contains(&slot)));
        for number in gone.map(|wish| wish.number).collect::<Vec<_>>() {
            self.withdraw(number, heard);
        }
        // What is added after its time begins with its next occurrence.
        let added = self
            .upcoming
            .iter()
            .filter(|(line, _)| !before.contains(&line.slot));
        let late = added.filter(|(line, _)| line.start < said);
        self.done.extend(late.map(|(line, _)| line.slot));
        self.upcoming = self.to_come();
        self.take_events(heard, said);
    }

    /// Ends what waits and whose line is not approved any more.
    fn refuse(&mut self, heard: Ms, said: Ms) {
        let waits = |wish: &&Wish| self.is_refused(wish) && !self.has_air(wish, heard);
        let refused = self.wishes.iter().filter(waits).map(|wish| wish.number);
        for number in refused.collect::<Vec<_>>() {
            if let Some(index) = self.wishes.iter().position(|wish| wish.number == number) {
                self.end(index, heard, said, REFUSED);
                self.wishes.remove(index);
                self.arrange(heard, said);
            }
        }
    }

    fn is_refused(&self, wish: &Wish) -> bool {
        let own = |(line, programme): &(Line, Programme)| wish.slot == Some(line.slot) && !programme.approved;
        self.planned.iter().any(own)
    }

    /// Tells whether a wish is on the air before `heard`, or goes on there without a break.
    fn has_air(&self, wish: &Wish, heard: Ms) -> bool {
        let before = wish.row.and_then(|row| self.rows[row].as_part());
        let goes_on = |since: Ms| before.is_some_and(|part| part.end == since);
        wish.on_air.is_some_and(|since| since < heard || goes_on(since))
    }

    /// Takes a wish whose line is gone off the air; one whose time is to come is forgotten, and may be planned again.
    fn withdraw(&mut self, number: SessionId, heard: Ms) {
        let said = heard - STOP;
        let Some(index) = self.wishes.iter().position(|wish| wish.number == number) else {
            return;
        };
        let wish = &self.wishes[index];
        let sounds = wish.on_air.is_some_and(|since| since < heard);
        let to_come = !sounds && !wish.aired && wish.planned.is_some_and(|planned| planned > said);
        if to_come {
            self.done.retain(|slot| wish.slot != Some(*slot));
        } else {
            self.end(index, heard, said, "unplanned");
        }
        self.wishes.remove(index);
        self.arrange(heard, said);
    }

    /// Stops what has a name, so that it is silent from `heard` on; tells whether it wanted the air.
    pub(crate) fn stop(&mut self, name: &str, heard: Ms) -> bool {
        self.decide(heard);
        let Some(index) = self.wishes.iter().position(|wish| wish.name == name) else {
            return false;
        };
        self.end(index, heard, heard - STOP, "stopped");
        self.wishes.remove(index);
        self.arrange(heard, heard - STOP);
        self.take_events(heard, heard - STOP);
        true
    }

    /// Starts the same content in some zones; tells in which it may sound.
    pub(crate) fn start(&mut self, started: &Override, heard: Ms) -> Vec<bool> {
        self.decide(heard);
        let zones = started.zones.iter();
        zones.map(|zone| self.start_in(*zone, started, heard)).collect()
    }

    fn start_in(&mut self, zone: i64, started: &Override, heard: Ms) -> bool {
        self.started += 1;
        let authored = started.named && started.class == BulletinClass::Emergency;
        let programme = Programme {
            length: started.length.min(started.limit),
            cut: started.limit < started.length,
            class: started.class,
            order: loa_model::ORDER_DEFAULT,
            pre_emption: PreEmption::Resume,
            patience: None,
            approved: true,
        };
        let wish = Wish {
            authored,
            ..self.wish(format!("o{}", self.started), zone, programme, heard - START)
        };
        if !authored && self.silent(zone, heard).is_some() {
            return false;
        }
        self.wishes.push(wish);
        self.arrange(heard, heard - START);
        self.take_events(heard, heard - START);
        true
    }

    /// The power goes at `at`, and what goes on is heard from `heard` on: only the log is left.
    ///
    /// Returns what wants the air then, the strongest first.
    pub(crate) fn kill(&mut self, at: Ms, heard: Ms) -> Vec<String> {
        self.decide(at + AHEAD);
        self.close_log(at);
        self.restart(at, heard)
    }

    /// The head-end is shut down, so that all is silent from `silent` on, and what goes on is heard from `heard` on.
    ///
    /// Returns what wants the air then, the strongest first.
    pub(crate) fn shut_down(&mut self, silent: Ms, heard: Ms) -> Vec<String> {
        let said = silent - STOP;
        self.decide(silent);
        for index in 0..self.wishes.len() {
            let wish = self.wishes[index].clone();
            let in_vain = wish
                .planned
                .is_some_and(|planned| planned + wish.programme.length <= said);
            if wish.on_air.is_some_and(|since| since < silent) {
                self.leave(index, silent, STOPPED);
            } else if in_vain && !wish.aired {
                self.tell_end(&wish, said, STOPPED);
            } else if !wish.aired {
                self.tell_delay(&wish, said);
            }
        }
        self.restart(silent + GONE - STOP, heard)
    }

    fn restart(&mut self, lost: Ms, heard: Ms) -> Vec<String> {
        (self.epoch, self.wished) = (self.epoch + 1, 0);
        (self.begun, self.lost, self.decided) = (heard - START, Some(lost), heard);
        self.wishes.clear();
        let begun = self.rows.iter().filter(|row| !matches!(row.what, Told::Delayed));
        self.done = begun.filter_map(|row| row.slot).collect();
        let parts = self.rows.iter().rev().filter_map(Row::as_part);
        let mut seen = BTreeSet::new();
        let newest = parts.filter(|part| seen.insert(part.wish.name.clone()));
        let mut left: Vec<Part> = newest.cloned().collect();
        left.sort_by_key(|part| part.wish.number);
        for row in left {
            self.restore(&row, heard);
        }
        self.end_unheard(heard);
        for wish in std::mem::take(&mut self.wishes) {
            if self.is_refused(&wish) {
                self.tell_end(&wish, self.begun, REFUSED);
            } else {
                self.wishes.push(wish);
            }
        }
        self.upcoming = self.to_come();
        while let Some(line) = self.next_line(heard) {
            self.begin(&line, heard, self.begun);
        }
        self.end_unheard(heard);
        let mut wanted: Vec<_> = self.wishes.iter().collect();
        wanted.sort_by_key(|wish| Reverse(self.priority(wish)));
        let wanted = wanted.iter().map(|wish| wish.name.clone()).collect();
        self.arrange(heard, self.begun);
        self.take_events(heard, self.begun);
        wanted
    }

    /// Goes on until nothing is left; returns when that is.
    pub(crate) fn end_all(&mut self) -> Ms {
        while let Some(next) = self.next_event() {
            self.decide(next);
        }
        self.decided
    }

    /// Names what wants the air.
    pub(crate) fn wanted(&self) -> Vec<String> {
        self.wishes.iter().map(|wish| wish.name.clone()).collect()
    }

    fn to_come(&self) -> Vec<(Line, Programme)> {
        let lines = self.planned.iter();
        lines
            .filter(|(line, _)| !self.done.contains(&line.slot))
            .cloned()
            .collect()
    }
}

const STOPPED: &str = "head_end_stopped";
/// Why nothing airs whose content is not approved.
pub(crate) const REFUSED: &str = "refused";
