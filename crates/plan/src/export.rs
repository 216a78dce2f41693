//! A schedule as the files it came from: reading them back gives the same schedule.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use loa_model::{
    BulletinClass, Chime, ContentHash, DayRule, MakesRoom, Mute, ORDER_DEFAULT, Overrun, PlaylistItem,
    PreEmption, Profile, Programme, QuietPolicy, Recurrence, Slot, SlotChange, SlotException, Source,
    WhenNone, Window, YearDay, Zone, ZoneTree, is_code,
};

use crate::file::span_text;
use crate::library::KnownLibrary;
use crate::resolve::Owners;

/// A whole schedule, as the store has it.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// Every zone.
    pub zones: &'a ZoneTree,
    /// Names the media.
    pub library: &'a KnownLibrary,
    /// Every programme.
    pub programmes: &'a [Programme],
    /// Every day profile.
    pub profiles: &'a [Profile],
    /// Every slot.
    pub slots: &'a [Slot],
    /// Every exception.
    pub exceptions: &'a [SlotException],
    /// Which file declared what.
    pub owners: &'a Owners,
}

impl Export<'_> {
    /// Writes the files, by name; zones, which no file owns, into one of their own.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for zone in parents_first(self.zones) {
            entry(
                files.entry(ZONES_FILE.to_owned()).or_default(),
                "zone",
                &self.zone(zone),
            );
        }
        let own = |owners: &BTreeMap<String, String>, code: &str| {
            owners
                .get(code)
                .cloned()
                .unwrap_or_else(|| UNOWNED_FILE.to_owned())
        };
        for programme in self.programmes {
            let file = files
                .entry(own(&self.owners.programmes, &programme.code))
                .or_default();
            entry(file, "programme", &self.programme(programme));
        }
        for profile in self.profiles {
            let file = files
                .entry(own(&self.owners.profiles, &profile.code))
                .or_default();
            entry(file, "profile", &self.profile(profile));
        }
        for slot in self.slots {
            let file = files.entry(own(&self.owners.slots, &slot.code)).or_default();
            entry(file, "slot", &self.slot(slot));
        }
        files
    }

    fn zone(&self, zone: &Zone) -> Keys {
        let mut keys = Keys::new(&zone.code);
        keys.text("name", &zone.name);
        let parent = zone.parent.and_then(|parent| self.zones.get(parent));
        keys.maybe_text("parent", parent.map(|parent| parent.code.as_str()));
        keys.put("channel", zone.channel.0);
        if let Some(policy) = &zone.settings.quiet {
            keys.put("quiet", quiet_text(policy));
        }
        keys.flag("two_persons", zone.settings.two_persons);
        keys.maybe_text("language", zone.settings.language.as_deref());
        if let Some(approval) = zone.settings.approval {
            keys.put("approval", approval);
        }
        keys
    }

    fn programme(&self, programme: &Programme) -> Keys {
        let spec = &programme.spec;
        let mut keys = Keys::new(&programme.code);
        keys.text("title", &spec.title);
        match &spec.source {
            Source::Asset { media, languages } => {
                keys.text("media", &self.media(*media));
                if !languages.is_empty() {
                    let versions = languages.iter().map(|(language, media)| {
                        // Files may name languages that no zone can be set to.
                        let key = if is_code(language) {
                            language.clone()
                        } else {
                            quoted(language)
                        };
                        format!("{key} = {}", quoted(&self.media(*media)))
                    });
                    keys.put("languages", braces(versions));
                }
            }
            Source::Playlist(items) => {
                let items = items.iter().map(|item| match item {
                    PlaylistItem::Media(media) => quoted(&self.media(*media)),
                    PlaylistItem::Programme(other) => quoted(self.code_of(*other)),
                });
                keys.put("playlist", brackets(items));
            }
            Source::Series { name, when_none } => {
                keys.text("series", name);
                match when_none {
                    WhenNone::Skip => {}
                    WhenNone::Repeat => keys.text("when_none", "repeat"),
                    WhenNone::Instead(other) => keys.text("when_none", self.code_of(*other)),
                }
            }
            Source::Relay(relay) => {
                let kind = if relay.studio { "studio" } else { "relay" };
                keys.put(kind, brackets(relay.sources.iter().map(|source| quoted(source))));
                if let Some(fill) = relay.fill {
                    keys.text("fill", &self.media(fill));
                }
                keys.text("silence_after", &span_text(relay.silence));
            }
            Source::Silence => keys.put("silence", true),
        }
        keys.class(spec.class, BulletinClass::Normal);
        let Chime {
            before,
            after,
            gain_db,
        } = spec.chime;
        keys.flag("chime", before);
        keys.flag("chime_after", after);
        if gain_db != 0 {
            keys.put("chime_db", gain_db);
        }
        keys.text(
            "pre_emption",
            match spec.pre_emption {
                PreEmption::Resume => "resume",
                PreEmption::Rejoin => "rejoin",
                PreEmption::Duck => "duck",
                PreEmption::Drop => "drop",
            },
        );
        keys.maybe_span("give_up_after", spec.give_up_after);
        keys.maybe_text("topic", spec.topic.as_deref());
        keys.maybe_text("campaign", spec.campaign.as_deref());
        keys
    }

    fn profile(&self, profile: &Profile) -> Keys {
        let spec = &profile.spec;
        let mut keys = Keys::new(&profile.code);
        keys.text("title", &spec.title);
        if !spec.days.is_empty() {
            keys.put(
                "days",
                brackets(spec.days.iter().map(|rule| quoted(&day_rule(rule)))),
            );
        }
        self.zones_of(&mut keys, &spec.zones);
        keys.put("rank", spec.rank);
        match &spec.mute {
            Mute::None => {}
            Mute::All => keys.text("mute", "all"),
            Mute::Class(class) => keys.text("mute_class", class.name()),
            Mute::Slots(slots) => {
                keys.put(
                    "mute",
                    brackets(slots.iter().map(|slot| quoted(self.slot_code(*slot)))),
                );
            }
        }
        if !spec.replace.is_empty() {
            let replaced = spec
                .replace
                .iter()
                .map(|(slot, by)| format!("{} = {}", self.slot_code(*slot), quoted(self.code_of(*by))));
            keys.put("replace", braces(replaced));
        }
        keys
    }

    fn slot(&self, slot: &Slot) -> Keys {
        let spec = &slot.spec;
        let mut keys = Keys::new(&slot.code);
        keys.text("programme", self.code_of(spec.programme));
        self.zones_of(&mut keys, &spec.zones);
        match &spec.recurrence {
            Recurrence::Cron(line) => keys.text("cron", line),
            Recurrence::Once(at) => keys.put("at", at.format("%Y-%m-%dT%H:%M:%S")),
        }
        if let Some(weeks) = spec.every_weeks {
            keys.put("every_weeks", weeks);
        }
        for (key, date) in [("valid_from", spec.valid_from), ("valid_to", spec.valid_to)] {
            if let Some(date) = date {
                keys.put(key, date);
            }
        }
        let profile = spec
            .profile
            .and_then(|id| self.profiles.iter().find(|profile| profile.id == id));
        keys.maybe_text("profile", profile.map(|profile| profile.code.as_str()));
        let own = self
            .programmes
            .iter()
            .find(|programme| programme.id == spec.programme);
        keys.class(
            spec.class,
            own.map_or(BulletinClass::Normal, |own| own.spec.class),
        );
        if spec.order != ORDER_DEFAULT {
            keys.put("order", spec.order);
        }
        keys.text("max_duration", &span_text(spec.max_duration));
        match spec.overrun {
            Overrun::Stop => {}
            Overrun::Grace(grace) => keys.text("overrun", &span_text(grace)),
            Overrun::UntilDone => keys.text("overrun", "until-done"),
        }
        match spec.makes_room {
            None => {}
            Some(MakesRoom::Trim) => keys.text("makes_room", "trim"),
            Some(MakesRoom::Skip) => keys.text("makes_room", "skip"),
            Some(MakesRoom::Move) => keys.text("makes_room", "move"),
        }
        let own = self
            .exceptions
            .iter()
            .filter(|exception| exception.slot == slot.id);
        let exceptions: Vec<_> = own.map(|exception| self.exception(exception)).collect();
        if !exceptions.is_empty() {
            keys.put("except", brackets(exceptions.into_iter()));
        }
        keys
    }

    fn exception(&self, exception: &SlotException) -> String {
        let mut parts = vec![format!("date = {}", exception.date)];
        parts.extend(
            exception
                .time
                .map(|time| format!("time = \"{}\"", time.format("%H:%M:%S"))),
        );
        match &exception.change {
            SlotChange::Cancel => {}
            SlotChange::Move(to) => parts.push(format!("move_to = {}", to.format("%Y-%m-%dT%H:%M:%S"))),
            SlotChange::Replace(by) => parts.push(format!("programme = {}", quoted(self.code_of(*by)))),
            SlotChange::Trim(limit) => parts.push(format!("max_duration = {}", quoted(&span_text(*limit)))),
        }
        if !exception.note.is_empty() {
            parts.push(format!("note = {}", quoted(&exception.note)));
        }
        braces(parts.into_iter())
    }

    fn zones_of(&self, keys: &mut Keys, zones: &[loa_model::ZoneId]) {
        let codes = zones.iter().filter_map(|zone| self.zones.get(*zone));
        let codes: Vec<_> = codes.map(|zone| quoted(&zone.code)).collect();
        if !codes.is_empty() {
            keys.put("zones", brackets(codes.into_iter()));
        }
    }

    /// Titles are unique; where one is another piece's file name, only the hash is clear.
    fn media(&self, hash: ContentHash) -> String {
        let title = self.library.get(hash).map(|media| media.title.as_str());
        let clear = title.filter(|title| {
            let named =
                |media: &&crate::library::KnownMedia| media.title == *title || media.file_name == *title;
            self.library.iter().filter(named).count() == 1 && title.trim() == *title
        });
        clear.map_or_else(|| hash.to_string(), str::to_owned)
    }

    fn code_of(&self, id: loa_model::ProgrammeId) -> &str {
        let found = self.programmes.iter().find(|programme| programme.id == id);
        found.map_or("", |programme| programme.code.as_str())
    }

    fn slot_code(&self, id: loa_model::SlotId) -> &str {
        let found = self.slots.iter().find(|slot| slot.id == id);
        found.map_or("", |slot| slot.code.as_str())
    }
}

/// Keys of one table, in the order in which the documentation lists them.
struct Keys {
    lines: Vec<String>,
}

impl Keys {
    fn new(code: &str) -> Self {
        let mut keys = Self { lines: Vec::new() };
        keys.text("code", code);
        keys
    }

    fn put(&mut self, key: &str, value: impl std::fmt::Display) {
        self.lines.push(format!("{key} = {value}"));
    }

    fn text(&mut self, key: &str, value: &str) {
        self.put(key, quoted(value));
    }

    fn maybe_text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn maybe_span(&mut self, key: &str, value: Option<Duration>) {
        if let Some(value) = value {
            self.text(key, &span_text(value));
        }
    }

    fn flag(&mut self, key: &str, value: bool) {
        if value {
            self.put(key, true);
        }
    }

    fn class(&mut self, class: BulletinClass, default: BulletinClass) {
        if class != default {
            self.text("class", class.name());
        }
    }
}

fn entry(file: &mut String, table: &str, keys: &Keys) {
    if !file.is_empty() {
        file.push('\n');
    }
    // Writing into a text cannot fail.
    let _ = writeln!(file, "[[{table}]]");
    for line in &keys.lines {
        let _ = writeln!(file, "{line}");
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn brackets(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn braces(items: impl Iterator<Item = String>) -> String {
    format!("{{ {} }}", items.collect::<Vec<_>>().join(", "))
}

/// Says when a zone may sound, as schedule files do.
pub fn quiet_text(policy: &QuietPolicy) -> String {
    let mut parts = Vec::new();
    if !policy.windows.is_empty() {
        parts.push(format!(
            "windows = {}",
            brackets(policy.windows.iter().map(|window| quoted(&named(window))))
        ));
    }
    parts.extend(
        policy
            .minutes_a_day
            .map(|minutes| format!("minutes_a_day = {minutes}")),
    );
    if !policy.volume.is_empty() {
        let steps = policy.volume.iter().map(|step| {
            let from = format!("{:02}:{:02}", step.from / 60, step.from % 60);
            format!("{{ from = {}, db = {} }}", quoted(&from), step.gain_db)
        });
        parts.push(format!("volume = {}", brackets(steps)));
    }
    braces(parts.into_iter())
}

fn named(window: &Window) -> String {
    if window.days == loa_model::Days::ALL {
        return window.to_string();
    }
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let held = (0..7_u8).zip(days).filter(|(day, _)| window.days.holds(*day));
    let held: Vec<_> = held.map(|(_, name)| name).collect();
    format!("{} {window}", held.join(","))
}

fn day_rule(rule: &DayRule) -> String {
    let span = |from: YearDay, to: YearDay| {
        let day = |day: YearDay| format!("{}/{}", day.day, day.month);
        if from == to {
            day(from)
        } else {
            format!("{}..{}", day(from), day(to))
        }
    };
    match rule {
        DayRule::Dates(dates) if dates.from == dates.to => dates.from.to_string(),
        DayRule::Dates(dates) => format!("{}..{}", dates.from, dates.to),
        DayRule::Solar(from, to) => span(*from, *to),
        DayRule::Lunar(from, to) => format!("{} âm", span(*from, *to)),
    }
}

/// Walks zones so that each comes after the one it lies in.
fn parents_first(tree: &ZoneTree) -> Vec<&Zone> {
    let mut zones: Vec<_> = tree.iter().collect();
    zones.sort_by_key(|zone| (tree.depth(zone.id), zone.id));
    zones
}

/// Zones belong to no file.
const ZONES_FILE: &str = "zones.toml";
/// For what was not declared by a file.
const UNOWNED_FILE: &str = "schedule.toml";
