//! Emergencies of the station in memory: one template and one that waits for each commune, and what was asked for where
//! that takes two persons.

use std::sync::Arc;
use std::time::Duration;

use loa_model::{ContentHash, EmergencyTemplate, Message, SessionId, UserId, ZoneId};
use loa_panel::{
    Answer, ConsoleError, Emergency, EmergencyRefusal, Person, ReadyTemplate, Release, Released, Waiting,
    What,
};

use super::{Memory, NOW, done};

/// The communes, by the numbers of their zones.
const COMMUNES: [i64; 2] = [2, 5];

/// Stands for each template.
const DIGEST: ContentHash = ContentHash([8; 32]);

impl Emergency for Memory {
    fn templates(&self) -> Arc<Vec<ReadyTemplate>> {
        let message = |text: &str, number| Message {
            text: text.into(),
            spoken: vec![ContentHash([number; 32])],
        };
        let ready = |commune: i64| ReadyTemplate {
            number: commune,
            template: EmergencyTemplate {
                title: format!("Lũ lên nhanh {commune}"),
                warning: message("Nước sông lên nhanh. Bà con ven sông lên chỗ cao ngay.", 1),
                retraction: message("Nước đã rút. Bà con có thể về nhà.", 2),
                zones: vec![ZoneId(commune)],
                signal: true,
                repeats: 0,
                minutes: 30,
            },
            digest: DIGEST,
            warning: Some(Duration::from_secs(14)),
            retraction: Some(Duration::from_secs(9)),
        };
        Arc::new(COMMUNES.map(ready).into())
    }

    fn put_template<'a>(
        &'a self,
        instead_of: Option<(i64, ContentHash)>,
        template: EmergencyTemplate,
        by: &'a str,
    ) -> Answer<'a, ()> {
        if let Err(fault) = template.check() {
            return refused(fault.into());
        }
        if instead_of.is_some_and(|(_, seen)| seen != DIGEST) {
            return refused(EmergencyRefusal::Changed);
        }
        self.note(format!("{by} keeps {}", template.title));
        done(())
    }

    fn remove_template<'a>(&'a self, number: i64, by: &'a str) -> Answer<'a, ()> {
        self.note(format!("{by} removes template {number}"));
        done(())
    }

    fn release<'a>(&'a self, release: Release, by: &'a Person) -> Answer<'a, Released> {
        self.note(format!("{} releases {release:?}", by.name));
        if !self.two_persons {
            return done(Released::OnAir {
                sessions: vec![(release.zones[0], SessionId(9))],
                refused: release.zones[1..]
                    .iter()
                    .map(|zone| (*zone, "too many sessions".to_owned()))
                    .collect(),
            });
        }
        let waiting = Waiting {
            number: 9,
            release,
            title: "Lũ lên nhanh".into(),
            content: ContentHash([9; 32]),
            by: by.name.clone(),
            user: by.user,
            until: NOW + Duration::from_secs(600),
        };
        if let Ok(mut asked) = self.asked.lock() {
            asked.push(waiting.clone());
        }
        done(Released::Waits(waiting))
    }

    fn confirm<'a>(&'a self, number: u64, content: ContentHash, by: &'a Person) -> Answer<'a, Released> {
        match self.waiting().iter().find(|waiting| waiting.number == number) {
            None => refused(EmergencyRefusal::NotWaiting),
            Some(waiting) if waiting.user == by.user => refused(EmergencyRefusal::SamePerson),
            Some(_) => {
                self.note(format!("{} confirms {number} {content}", by.name));
                done(Released::MaySpeak)
            }
        }
    }

    fn withdraw<'a>(&'a self, number: u64, by: &'a Person) -> Answer<'a, ()> {
        if !self.waiting().iter().any(|waiting| waiting.number == number) {
            return refused(EmergencyRefusal::NotWaiting);
        }
        self.note(format!("{} withdraws {number}", by.name));
        done(())
    }

    fn waiting(&self) -> Vec<Waiting> {
        let waiting = |commune: i64| Waiting {
            number: commune.unsigned_abs(),
            release: Release {
                what: What::Warning(commune),
                zones: vec![ZoneId(commune)],
                minutes: 30,
                drill: false,
                pressed: NOW,
                break_glass: None,
            },
            title: format!("Lũ lên nhanh {commune}"),
            content: ContentHash([7; 32]),
            by: "lan".into(),
            user: UserId(20),
            until: NOW + Duration::from_secs(600),
        };
        let mut all: Vec<Waiting> = COMMUNES.map(waiting).into();
        if let Ok(asked) = self.asked.lock() {
            all.extend(asked.iter().cloned());
        }
        all
    }
}

fn refused<'a, T: Send + 'a>(refusal: EmergencyRefusal) -> Answer<'a, T> {
    Box::pin(std::future::ready(Err(ConsoleError::Emergency(refusal))))
}
