//! What people command, and what they are refused.

use loa_model::{
    BulletinClass, Command, CommandDone, EndReason, ORDER_DEFAULT, Origin, PreEmption, Priority, Refusal,
    SESSIONS_PER_ZONE_MAX, SessionId, WallTime, ZoneId,
};

use crate::engine::Engine;
use crate::session::Session;
use crate::settings::MARGIN;

impl Engine {
    /// Obeys a command.
    ///
    /// # Errors
    ///
    /// See [`Refusal`]; nothing changes then.
    pub fn handle_command(&mut self, command: Command, now: WallTime) -> Result<CommandDone, Refusal> {
        self.advance(now);
        if self.shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        let done = match command {
            Command::StartOverride {
                zone,
                title,
                content,
                class,
                chime,
                limit,
                drill,
                by,
            } => {
                // It never takes the air from an emergency, and keeps quiet hours.
                let class = if drill {
                    class.min(BulletinClass::Live)
                } else {
                    class
                };
                self.make_room(zone, class, now)?;
                let first = self.next_id();
                let whole = content.duration();
                let session = Session {
                    total: whole.map_or(limit, |whole| whole.min(limit)),
                    cut: whole.is_none_or(|whole| limit < whole),
                    // The words that say what it is cannot be left out.
                    chime: chime || drill,
                    drill,
                    // What comes live is where it is.
                    pre_emption: if whole.is_none() {
                        PreEmption::Rejoin
                    } else {
                        PreEmption::Resume
                    },
                    ..self.new_session(zone, Origin::Override { by, first }, title, content, class, now)
                };
                if !session.is_authored() {
                    self.check_quiet(zone, self.heard_from(class, now))?;
                }
                let id = session.id;
                self.add(session, now);
                let on_air = self
                    .sessions
                    .get(id)
                    .is_some_and(|session| session.on_air.is_some());
                CommandDone::OverrideStarted { session: id, on_air }
            }
            Command::SpeechOver { session } => {
                self.stop_session(session, &EndReason::Completed, now)?;
                CommandDone::Done
            }
            Command::SpeakerLost { session, why } => {
                self.stop_session(session, &EndReason::SpeakerLost { why }, now)?;
                CommandDone::Done
            }
            Command::Stop { session, by } => {
                self.stop_session(session, &EndReason::Stopped { by }, now)?;
                CommandDone::Done
            }
            Command::ShutDown => {
                self.shutting_down = true;
                let all: Vec<_> = self.sessions.ids().collect();
                for id in all {
                    self.end_session(id, &EndReason::HeadEndStopped, now);
                }
                CommandDone::Done
            }
            // `Command` may grow; what this engine does not know it cannot have been asked.
            _ => CommandDone::Done,
        };
        self.advance(now);
        Ok(done)
    }

    fn stop_session(&mut self, id: SessionId, reason: &EndReason, now: WallTime) -> Result<(), Refusal> {
        if !self.sessions.get(id).is_some_and(|session| session.wants) {
            return Err(Refusal::UnknownSession(id));
        }
        self.end_session(id, reason, now);
        Ok(())
    }

    /// Sees to it that a zone can hold one more session of this class: the weakest that waits may have to go.
    pub(crate) fn make_room(
        &mut self,
        zone: ZoneId,
        class: BulletinClass,
        now: WallTime,
    ) -> Result<(), Refusal> {
        self.tree.get(zone).ok_or(Refusal::UnknownZone(zone))?;
        let here = self.sessions.in_zone(zone);
        let held = here.clone().filter(|session| session.wants);
        let full = Refusal::TooManySessions(zone);
        // What ends is gone within seconds.
        if here.count() >= 2 * SESSIONS_PER_ZONE_MAX {
            return Err(full);
        }
        if held.clone().count() < SESSIONS_PER_ZONE_MAX {
            return Ok(());
        }
        let newcomer = Priority {
            class,
            depth: self.tree.depth(zone),
            order: ORDER_DEFAULT,
            session: self.next_id(),
        };
        let weakest = held
            .filter(|session| session.on_air.is_none())
            .map(Session::priority)
            .min()
            .filter(|weakest| *weakest < newcomer);
        let weakest = weakest.ok_or(full)?;
        let what = format!("{SESSIONS_PER_ZONE_MAX} sessions in its zone, and a stronger one came");
        self.end_session(weakest.session, &EndReason::Fault { what }, now);
        Ok(())
    }

    /// Returns the first instant at which something that begins now can be heard.
    pub(crate) fn heard_from(&self, class: BulletinClass, now: WallTime) -> WallTime {
        now + self.settings.delay(class) + MARGIN
    }
}
