//! Emergencies: the way onto the air.

mod desk;

use std::sync::Arc;
use std::time::Duration;

use loa_model::{
    BulletinClass, Command, CommandDone, Content, ContentHash, EmergencyTemplate, Piece, ZoneId,
};
use loa_panel::{
    Answer, Console as _, ConsoleError, Emergency, EmergencyRefusal, Person, ReadyTemplate, Release,
    Released, Speech, Waiting, What,
};
use loa_store::{AuditRow, Drill, JournalEntry, Store, StoreError};

use self::desk::{Leave, minutes};
use super::{StationConsole, refusal};

pub use self::desk::EmergencyDesk;

impl StationConsole {
    fn take_two(&self, zones: &[ZoneId]) -> bool {
        let tree = self.zones();
        zones.iter().any(|zone| tree.alert_takes_two_persons(*zone))
    }

    /// Refuses an emergency of one person where a zone asks for two.
    ///
    /// # Errors
    ///
    /// [`EmergencyRefusal::TwoPersons`].
    pub(super) fn one_is_enough(
        &self,
        class: BulletinClass,
        zones: &[ZoneId],
    ) -> Result<(), EmergencyRefusal> {
        if class == BulletinClass::Emergency && self.take_two(zones) {
            return Err(EmergencyRefusal::TwoPersons);
        }
        Ok(())
    }

    /// Refuses an emergency speech of one person where a zone asks for two, unless a second one has let this one speak:
    /// then it is about what that one confirmed, and no longer.
    ///
    /// # Errors
    ///
    /// [`EmergencyRefusal::TwoPersons`].
    pub(super) fn may_speak(&self, speech: &mut Speech, name: &str) -> Result<(), EmergencyRefusal> {
        if speech.drill || self.one_is_enough(speech.class, &speech.zones).is_ok() {
            return Ok(());
        }
        let leave = self.emergency.take_leave(&speech.zones, name, self.now());
        let leave = leave.ok_or(EmergencyRefusal::TwoPersons)?;
        speech.title = leave.title;
        speech.limit = speech.limit.min(minutes(leave.minutes));
        Ok(())
    }

    /// Puts what was released on the air in each zone.
    async fn sound(
        &self,
        release: &Release,
        (title, pieces): (&str, &[Piece]),
        by: &str,
    ) -> Result<Released, ConsoleError> {
        let mut sessions = Vec::new();
        let mut refused = Vec::new();
        let mut first_refusal = None;
        for zone in &release.zones {
            let command = Command::StartOverride {
                zone: *zone,
                title: title.to_owned(),
                content: Content::Pieces(pieces.to_vec()),
                class: BulletinClass::Emergency,
                // The signal is one of its pieces.
                chime: false,
                limit: minutes(release.minutes),
                drill: release.drill,
                by: by.to_owned(),
            };
            match self.on_air.command(command).await {
                Ok(CommandDone::OverrideStarted { session, .. }) => {
                    let accepted = self.now();
                    self.write_down(JournalEntry::Asked {
                        session,
                        pressed: release.pressed,
                        accepted,
                    });
                    if let (What::Warning(template), false) = (&release.what, release.drill) {
                        self.emergency.note(*template, *zone, accepted);
                    }
                    sessions.push((*zone, session));
                }
                Ok(CommandDone::Done) => {}
                // One zone that cannot must not keep the others from being warned.
                Err(error) => {
                    tracing::warn!(%zone, "an emergency was refused: {error}");
                    refused.push((*zone, error.to_string()));
                    first_refusal.get_or_insert(refusal(error));
                }
            }
        }
        let is_retraction = matches!(release.what, What::Retraction(_));
        if release.drill && !is_retraction && !sessions.is_empty() {
            self.write_down(JournalEntry::Drill(Drill {
                pressed: release.pressed,
                title: title.to_owned(),
                by: by.to_owned(),
                zones: release.zones.clone(),
                sessions: sessions.iter().map(|(_, session)| *session).collect(),
                receivers: self.receivers_in(&release.zones),
            }));
        }
        match first_refusal {
            Some(error) if sessions.is_empty() => Err(error),
            _ => Ok(Released::OnAir { sessions, refused }),
        }
    }

    fn audit_emergency(&self, action: &str, who: &str, detail: String) {
        self.write_down(JournalEntry::Audit(AuditRow {
            at: self.now(),
            who: who.to_owned(),
            action: action.to_owned(),
            detail,
            ..AuditRow::default()
        }));
    }

    /// Does what nobody has to be asked about any more.
    async fn do_release(
        &self,
        release: Release,
        by: &str,
        second: Option<&str>,
    ) -> Result<Released, ConsoleError> {
        let (title, pieces, content) = self.emergency.lay_out(&release)?;
        let action = match (&release.break_glass, release.drill) {
            (Some(_), _) => "glass-broken",
            (None, true) => "drill-released",
            (None, false) => "emergency-released",
        };
        let released = match pieces {
            Some(pieces) => self.sound(&release, (&title, &pieces), by).await?,
            None => {
                self.emergency.give_leave(Leave {
                    who: by.to_owned(),
                    title: title.clone(),
                    zones: release.zones.clone(),
                    minutes: release.minutes,
                    until: self.now() + MAY_SPEAK,
                });
                Released::MaySpeak
            }
        };
        let detail = format!("\"{title}\" {content}, second {second:?}: {release:?} as {released:?}");
        self.audit_emergency(action, by, detail);
        Ok(released)
    }

    fn change_templates<'a>(
        &'a self,
        by: &'a str,
        change: impl FnOnce(&mut Store, &AuditRow) -> Result<(), StoreError> + Send + 'static,
    ) -> Answer<'a, ()> {
        let row = AuditRow {
            at: self.now(),
            who: by.to_owned(),
            ..AuditRow::default()
        };
        let desk = Arc::clone(&self.emergency);
        self.with_store(move |store| {
            let done = change(store, &row);
            // Also if it was refused, which may be because it is not what was shown.
            desk.read(store)?;
            done
        })
    }
}

impl Emergency for StationConsole {
    fn templates(&self) -> Arc<Vec<ReadyTemplate>> {
        self.emergency.shown()
    }

    fn put_template<'a>(
        &'a self,
        instead_of: Option<(i64, ContentHash)>,
        template: EmergencyTemplate,
        by: &'a str,
    ) -> Answer<'a, ()> {
        if let Err(fault) = template.check() {
            return Box::pin(async move { Err(EmergencyRefusal::Template(fault).into()) });
        }
        self.change_templates(by, move |store, row| {
            store.put_template(instead_of, &template, row)
        })
    }

    fn remove_template<'a>(&'a self, number: i64, by: &'a str) -> Answer<'a, ()> {
        self.change_templates(by, move |store, row| store.remove_template(number, row))
    }

    fn release<'a>(&'a self, mut release: Release, by: &'a Person) -> Answer<'a, Released> {
        Box::pin(async move {
            let (title, _, content) = self.emergency.lay_out(&release)?;
            // Taking back is never slower than warning.
            let asks = !release.drill
                && self.take_two(&release.zones)
                && !self.emergency.takes_back(&release, &self.zones(), self.now());
            // No glass is broken where nobody else is asked for.
            release.break_glass = release.break_glass.filter(|_| asks);
            match &release.break_glass {
                Some(reason) if reason.trim().is_empty() => return Err(EmergencyRefusal::NoReason.into()),
                None if asks => {}
                _ => return self.do_release(release, &by.name, None).await,
            }
            let (waiting, is_new) = self.emergency.ask(release, (title, content), by, self.now())?;
            if is_new {
                let detail = format!("\"{}\" {content}: {:?}", waiting.title, waiting.release);
                self.audit_emergency("second-person-asked", &by.name, detail);
            }
            Ok(Released::Waits(waiting))
        })
    }

    fn confirm<'a>(&'a self, number: u64, content: ContentHash, by: &'a Person) -> Answer<'a, Released> {
        Box::pin(async move {
            let waiting = self.emergency.confirm(number, content, by, self.now())?;
            let asked_by = waiting.by.clone();
            self.do_release(waiting.release, &asked_by, Some(&by.name)).await
        })
    }

    fn withdraw<'a>(&'a self, number: u64, by: &'a Person) -> Answer<'a, ()> {
        Box::pin(async move {
            let taken = self.emergency.withdraw(number, self.now())?;
            let detail = format!("\"{}\" {}", taken.title, taken.content);
            self.audit_emergency("emergency-withdrawn", &by.name, detail);
            Ok(())
        })
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.emergency.waiting(self.now())
    }
}

/// Whoever was let to speak begins within this.
const MAY_SPEAK: Duration = Duration::from_secs(10 * 60);
