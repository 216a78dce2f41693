//! What lies ready for an emergency, what waits for a second person, and who was let speak: all of it in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use loa_model::{
    BulletinClass, ContentHash, EmergencyTemplate, Message, Piece, WallTime, ZoneId, ZoneTree, aired_title,
    repeated,
};
use loa_panel::{EmergencyRefusal, Person, ReadyTemplate, Release, Waiting, What};
use loa_store::{Store, StoreError};
use sha2::{Digest as _, Sha256};

/// What an emergency needs, in memory: nothing of it is read when it has to be quick.
pub struct EmergencyDesk {
    templates: ArcSwap<Vec<Kept>>,
    shown: ArcSwap<Vec<ReadyTemplate>>,
    waiting: Mutex<Queue>,
    /// The attention signal.
    signal: Piece,
    /// The words with which a drill begins.
    drill: Piece,
}

/// A template, and the recordings of it that are in the library.
#[derive(Clone, Debug)]
struct Kept {
    number: i64,
    template: EmergencyTemplate,
    digest: ContentHash,
    warning: Option<Vec<Piece>>,
    retraction: Option<Vec<Piece>>,
}

#[derive(Default)]
struct Queue {
    last: u64,
    waiting: Vec<Waiting>,
    /// Who may speak without asking again.
    leaves: Vec<Leave>,
    /// Warnings that were put on the air, oldest first: only these are taken back by one person.
    warned: VecDeque<Warned>,
}

/// What a second person has let somebody say.
pub(super) struct Leave {
    pub(super) who: String,
    pub(super) title: String,
    pub(super) zones: Vec<ZoneId>,
    pub(super) minutes: u16,
    /// When it lapses.
    pub(super) until: WallTime,
}

/// A template's warning that was put on the air.
struct Warned {
    template: i64,
    zone: ZoneId,
    at: WallTime,
}

impl EmergencyDesk {
    /// Makes a desk with what the station says by itself.
    pub(crate) fn new(signal: Piece, drill: Piece) -> Self {
        Self {
            templates: ArcSwap::default(),
            shown: ArcSwap::default(),
            waiting: Mutex::default(),
            signal,
            drill,
        }
    }

    /// Takes the templates out of the database, with the recordings that the library has.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub(crate) fn read(&self, store: &Store) -> Result<(), StoreError> {
        let media = store.media()?;
        let pieces = |message: &Message| -> Option<Vec<Piece>> {
            let piece = |hash: &ContentHash| {
                let row = media.iter().find(|row| row.media.hash == *hash)?;
                Some(Piece {
                    media: *hash,
                    duration: row.media.duration(),
                })
            };
            message.spoken.iter().map(piece).collect()
        };
        let kept = store.templates()?.into_iter().map(|row| Kept {
            number: row.number,
            warning: pieces(&row.template.warning),
            retraction: pieces(&row.template.retraction),
            template: row.template,
            digest: row.digest,
        });
        let kept: Vec<_> = kept.collect();
        let once = |pieces: &Option<Vec<Piece>>| {
            let pieces = pieces.as_ref()?;
            Some(pieces.iter().map(|piece| piece.duration).sum())
        };
        let shown = kept.iter().map(|kept| ReadyTemplate {
            number: kept.number,
            template: kept.template.clone(),
            digest: kept.digest,
            warning: once(&kept.warning),
            retraction: once(&kept.retraction),
        });
        self.shown.store(Arc::new(shown.collect()));
        self.templates.store(Arc::new(kept));
        Ok(())
    }

    /// Takes note of the warnings that were put on the air before this start of the program.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub(crate) fn remember(&self, store: &Store, now: WallTime) -> Result<(), StoreError> {
        let templates = self.templates.load();
        let starts = store.starts(now - TAKEN_BACK, now)?.into_iter().rev();
        for start in starts.filter(|start| start.class == BulletinClass::Emergency && !start.drill) {
            let warns = |kept: &&Kept| aired_title(&kept.template.title, false, false) == start.title;
            if let Some(kept) = templates.iter().find(warns) {
                self.note(kept.number, start.zone, start.pressed);
            }
        }
        Ok(())
    }

    pub(super) fn note(&self, template: i64, zone: ZoneId, at: WallTime) {
        let mut queue = self.queue();
        if queue.warned.len() >= WARNED_MAX {
            queue.warned.pop_front();
        }
        queue.warned.push_back(Warned { template, zone, at });
    }

    /// Tells whether a wish takes back what was put on the air lately, wherever it is meant to be heard. Words that are
    /// kept as a retraction are else words like others.
    pub(super) fn takes_back(&self, release: &Release, tree: &ZoneTree, now: WallTime) -> bool {
        let What::Retraction(number) = release.what else {
            return false;
        };
        let queue = self.queue();
        let lately = |warned: &&Warned| warned.template == number && now.since(warned.at) < TAKEN_BACK;
        release.zones.iter().all(|zone| {
            let mut warned = queue.warned.iter().filter(lately);
            warned.any(|warned| tree.covers(warned.zone, *zone))
        })
    }

    /// Lays out what is to sound of a wish: its title, what sounds, and how it is hashed; nothing sounds of a speech
    /// but what is said.
    pub(super) fn lay_out(
        &self,
        release: &Release,
    ) -> Result<(String, Option<Vec<Piece>>, ContentHash), EmergencyRefusal> {
        let lasts = minutes(release.minutes);
        let templates = self.templates.load();
        let find = |number: i64| {
            let found = templates.iter().find(|kept| kept.number == number);
            found.ok_or(EmergencyRefusal::NoTemplate)
        };
        // Each time it is said, a drill says what it is.
        let drill = release.drill.then_some(self.drill);
        let (title, is_retraction, pieces) = match &release.what {
            What::Speech(title) => (title.clone(), false, None),
            What::Warning(number) => {
                let kept = find(*number)?;
                let said = kept.warning.as_ref().ok_or(EmergencyRefusal::NotPlayable)?;
                let signal = kept.template.signal.then_some(self.signal);
                let before: Vec<_> = signal.into_iter().chain(drill).collect();
                let pieces = repeated(&before, said, kept.template.repeats, lasts);
                (kept.template.title.clone(), false, Some(pieces))
            }
            What::Retraction(number) => {
                let kept = find(*number)?;
                let said = kept.retraction.as_ref().ok_or(EmergencyRefusal::NotPlayable)?;
                let pieces = repeated(drill.as_slice(), said, RETRACTION_REPEATS, lasts);
                (kept.template.title.clone(), true, Some(pieces))
            }
        };
        let title = aired_title(&title, is_retraction, release.drill);
        let mut hasher = Sha256::new();
        hasher.update(format!(
            "{title}\n{:?}\n{}\n{}\n",
            release.zones, release.minutes, release.drill
        ));
        for piece in pieces.iter().flatten() {
            hasher.update(piece.media.0);
        }
        Ok((title, pieces, ContentHash(hasher.finalize().into())))
    }

    /// Takes the leave of somebody who was let speak in these zones by a second person; it is for once.
    pub(super) fn take_leave(&self, zones: &[ZoneId], name: &str, now: WallTime) -> Option<Leave> {
        let mut queue = self.queue();
        queue.leaves.retain(|leave| now < leave.until);
        let may = |leave: &Leave| leave.who == name && zones.iter().all(|zone| leave.zones.contains(zone));
        let found = queue.leaves.iter().position(may)?;
        Some(queue.leaves.remove(found))
    }

    /// Lets somebody speak once, in these zones: everybody has one leave, and the newest counts.
    pub(super) fn give_leave(&self, leave: Leave) {
        let mut queue = self.queue();
        queue.leaves.retain(|other| other.who != leave.who);
        queue.leaves.push(leave);
    }

    /// Has a wish wait for a second person. Who asks again asks once; tells whether it is new.
    pub(super) fn ask(
        &self,
        release: Release,
        (title, content): (String, ContentHash),
        by: &Person,
        now: WallTime,
    ) -> Result<(Waiting, bool), EmergencyRefusal> {
        let mut queue = self.queue();
        queue.waiting.retain(|waiting| now < waiting.until);
        // A program that tries until it is confirmed fills no queue.
        let is_same = |other: &&mut Waiting| other.user == by.user && other.content == content;
        if let Some(same) = queue.waiting.iter_mut().find(is_same) {
            same.until = now + WAITS;
            return Ok((same.clone(), false));
        }
        let own = queue.waiting.iter().filter(|other| other.user == by.user).count();
        if own >= OWN_WAITING_MAX || queue.waiting.len() >= WAITING_MAX {
            return Err(EmergencyRefusal::TooMany);
        }
        queue.last += 1;
        let waiting = Waiting {
            number: queue.last,
            release,
            title,
            content,
            by: by.name.clone(),
            user: by.user,
            until: now + WAITS,
        };
        queue.waiting.push(waiting.clone());
        Ok((waiting, true))
    }

    /// Takes what waits, confirmed by a second person who saw that content.
    pub(super) fn confirm(
        &self,
        number: u64,
        content: ContentHash,
        by: &Person,
        now: WallTime,
    ) -> Result<Waiting, EmergencyRefusal> {
        let mut queue = self.queue();
        let index = queue.index_of(number, now)?;
        // Not by name: a token has one of its own, and is no second person beside its owner.
        if queue.waiting[index].user == by.user {
            return Err(EmergencyRefusal::SamePerson);
        }
        // What would sound now: a template may have been changed since it was asked for.
        let (.., sounds) = self.lay_out(&queue.waiting[index].release)?;
        if content != queue.waiting[index].content || content != sounds {
            return Err(EmergencyRefusal::Changed);
        }
        Ok(queue.waiting.remove(index))
    }

    /// Takes back what waits.
    pub(super) fn withdraw(&self, number: u64, now: WallTime) -> Result<Waiting, EmergencyRefusal> {
        let mut queue = self.queue();
        let index = queue.index_of(number, now)?;
        Ok(queue.waiting.remove(index))
    }

    /// Returns what waits, oldest first.
    pub(super) fn waiting(&self, now: WallTime) -> Vec<Waiting> {
        let queue = self.queue();
        let waiting = queue.waiting.iter().filter(|waiting| now < waiting.until);
        waiting.cloned().collect()
    }

    /// Returns the templates, in order of title.
    pub(super) fn shown(&self) -> Arc<Vec<ReadyTemplate>> {
        self.shown.load_full()
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn index_of(&mut self, number: u64, now: WallTime) -> Result<usize, EmergencyRefusal> {
        self.waiting.retain(|waiting| now < waiting.until);
        let found = self.waiting.iter().position(|waiting| waiting.number == number);
        found.ok_or(EmergencyRefusal::NotWaiting)
    }
}

/// Returns a span of minutes.
pub(super) fn minutes(count: u16) -> Duration {
    Duration::from_secs(u64::from(count) * 60)
}

/// Said twice: who missed the first hears the second.
const RETRACTION_REPEATS: u16 = 2;
/// What waits for a second person for longer is asked for anew.
const WAITS: Duration = Duration::from_secs(10 * 60);
const WAITING_MAX: usize = 256;
/// Nobody fills the queue for the others.
const OWN_WAITING_MAX: usize = 8;
/// What is older is no alarm that somebody has to be freed of in a hurry.
const TAKEN_BACK: Duration = Duration::from_secs(24 * 3_600);
/// Warnings that are remembered: more than a province has zones.
const WARNED_MAX: usize = 4_096;
