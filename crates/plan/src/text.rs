//! A run-sheet as a table for people, with its reasons under each line.

use std::time::Duration;

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use loa_model::{
    ApprovalState, BulletinClass, LineName, MakesRoom, PreEmption, Reason, RunSheet, RunSheetLine, TieRule,
    Verdict, WallTime, ZoneId, ZoneTree,
};

use crate::local::to_local;
use crate::suggest::is_mark;

/// Languages of screens and tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// Vietnamese.
    #[default]
    Vi,
    /// English.
    En,
}

/// How to print a run-sheet.
#[derive(Clone, Copy, Debug)]
pub struct RunSheetText<'a> {
    /// In which language.
    pub lang: Lang,
    /// In whose local time.
    pub tz: Tz,
    /// Names the zones.
    pub tree: &'a ZoneTree,
    /// Prints only what this zone's receivers hear: its own lines and those of the zones above it.
    pub zone: Option<ZoneId>,
}

impl RunSheetText<'_> {
    /// Prints the run-sheet. The text ends with a line break.
    pub fn render(&self, sheet: &RunSheet) -> String {
        let shown: Vec<&RunSheetLine> = match self.zone {
            Some(zone) => sheet.heard_in(self.tree, zone).collect(),
            None => sheet.lines.iter().collect(),
        };
        let mut text = self.title(sheet);
        if shown.is_empty() {
            text.push_str(self.say("\nKhông có chương trình nào.\n", "\nNothing is planned.\n"));
            return text;
        }
        let mut rows = vec![self.heads()];
        rows.extend(shown.iter().map(|line| self.cells(sheet, line)));
        let mut table = aligned(&rows).into_iter();
        text.push('\n');
        text.extend(table.next());
        for (line, row) in shown.iter().zip(table) {
            text.push_str(&row);
            for reason in &line.reasons {
                text.push_str(&format!("     - {}\n", self.reason(sheet, line, reason)));
            }
        }
        text.push('\n');
        text.push_str(&self.totals(&shown));
        text
    }

    fn say(&self, vi: &'static str, en: &'static str) -> &'static str {
        match self.lang {
            Lang::Vi => vi,
            Lang::En => en,
        }
    }

    fn title(&self, sheet: &RunSheet) -> String {
        let number = match sheet.number {
            0 => self.say("dự kiến", "not stored").to_owned(),
            number => format!("{} {number}", self.say("số", "number")),
        };
        let mut text = format!(
            "{}, {}, {number}\n",
            self.say("Lịch phát trong ngày", "Run-sheet"),
            self.date(sheet.date)
        );
        if let Some(zone) = self.zone {
            let names: Vec<String> = self
                .tree
                .chain(zone)
                .map(|zone| format!("{} ({})", zone.name, zone.code))
                .collect();
            text.push_str(&format!(
                "{}: {}\n",
                self.say("Địa bàn", "Zone"),
                names.join(" < ")
            ));
        }
        text
    }

    fn date(&self, date: NaiveDate) -> String {
        let index = usize::try_from(date.weekday().num_days_from_monday()).unwrap_or(0);
        let days = match self.lang {
            Lang::Vi => [
                "Thứ Hai",
                "Thứ Ba",
                "Thứ Tư",
                "Thứ Năm",
                "Thứ Sáu",
                "Thứ Bảy",
                "Chủ Nhật",
            ],
            Lang::En => [
                "Monday",
                "Tuesday",
                "Wednesday",
                "Thursday",
                "Friday",
                "Saturday",
                "Sunday",
            ],
        };
        match self.lang {
            Lang::Vi => format!("{} {}", days[index], date.format("%d/%m/%Y")),
            Lang::En => format!("{} {date}", days[index]),
        }
    }

    fn heads(&self) -> [String; COLUMNS] {
        let heads = match self.lang {
            Lang::Vi => [
                "#",
                "Bắt đầu",
                "Kết thúc",
                "Địa bàn",
                "Loại",
                "Chương trình",
                "Kết quả",
            ],
            Lang::En => ["#", "Start", "End", "Zone", "Class", "Programme", "Verdict"],
        };
        heads.map(str::to_owned)
    }

    fn cells(&self, sheet: &RunSheet, line: &RunSheetLine) -> [String; COLUMNS] {
        [
            line.number.to_string(),
            self.time(sheet, line.start),
            self.time(sheet, line.end()),
            self.zone_code(line.occurrence.zone),
            self.class(line.class).to_owned(),
            line.title.clone(),
            self.verdict(line.verdict).to_owned(),
        ]
    }

    fn zone_code(&self, zone: ZoneId) -> String {
        self.tree
            .get(zone)
            .map_or_else(|| zone.to_string(), |zone| zone.code.clone())
    }

    /// Times on another date than the sheet's carry it; parts of a second are shown only if there are any.
    fn time(&self, sheet: &RunSheet, at: WallTime) -> String {
        let local = to_local(self.tz, at);
        let mut text = local.format("%H:%M:%S").to_string();
        let ms = local.and_utc().timestamp_subsec_millis();
        if ms > 0 {
            text.push_str(&format!(".{ms:03}"));
        }
        if local.date() == sheet.date {
            return text;
        }
        let date = match self.lang {
            Lang::Vi => local.format("%d/%m"),
            Lang::En => local.format("%m-%d"),
        };
        format!("{date} {text}")
    }

    fn class(&self, class: BulletinClass) -> &'static str {
        match class {
            BulletinClass::Background => self.say("nền", "background"),
            BulletinClass::Normal => self.say("thông thường", "normal"),
            BulletinClass::Priority => self.say("ưu tiên", "priority"),
            BulletinClass::Live => self.say("trực tiếp", "live"),
            BulletinClass::Emergency => self.say("khẩn cấp", "emergency"),
        }
    }

    fn verdict(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Airs => self.say("phát", "airs"),
            Verdict::Shifts => self.say("dời", "shifts"),
            Verdict::Dropped => self.say("không phát", "dropped"),
        }
    }

    fn rule(&self, rule: TieRule) -> &'static str {
        match rule {
            TieRule::Class => self.say("loại bản tin cao hơn", "stronger class"),
            TieRule::Authority => self.say("địa bàn cấp trên", "zone nearer the top"),
            TieRule::Order => self.say("xã xếp trước", "the commune puts it first"),
            TieRule::FirstCome => self.say("bắt đầu trước", "began first"),
            TieRule::Newest => self.say("khẩn cấp mới hơn", "newer emergency"),
        }
    }

    fn named(&self, sheet: &RunSheet, name: &LineName) -> String {
        match name {
            LineName::Here(number) => self.other(sheet, *number),
            LineName::On { date, line, title } => match self.lang {
                Lang::Vi => format!("#{line} \"{title}\" của ngày {}", date.format("%d/%m")),
                Lang::En => format!("#{line} \"{title}\" of {}", date.format("%m-%d")),
            },
        }
    }

    fn other(&self, sheet: &RunSheet, number: u32) -> String {
        let title = sheet.line(number).map_or("?", |line| line.title.as_str());
        format!("#{number} \"{title}\"")
    }

    fn reason(&self, sheet: &RunSheet, line: &RunSheetLine, reason: &Reason) -> String {
        let vi = self.lang == Lang::Vi;
        match reason {
            Reason::Scheduled { rule } => {
                let once = rule.parse::<NaiveDateTime>().is_ok();
                let how = if once {
                    self.say("một lần ", "once, ")
                } else {
                    ""
                };
                format!("{} {}: {how}{rule}", self.say("khung giờ", "slot"), line.slot)
            }
            Reason::CutAtLimit { length, limit } => {
                let (length, limit) = (clock(*length), clock(*limit));
                if vi {
                    format!("tệp dài {length}, khung giờ chỉ cho {limit}: nhỏ dần rồi cắt")
                } else {
                    format!("the file lasts {length}, the slot allows {limit}: it fades out and is cut")
                }
            }
            Reason::Outranks { line, rule } => {
                let (other, rule) = (self.named(sheet, line), self.rule(*rule));
                format!("{} {other} ({rule})", self.say("đi trước", "goes before"))
            }
            Reason::YieldsTo { line, rule, then } => {
                let (other, rule) = (self.named(sheet, line), self.rule(*rule));
                let then = match then {
                    PreEmption::Resume => self.say("rồi phát tiếp", "then resumes"),
                    PreEmption::Rejoin => self.say("rồi nhập lại", "then rejoins"),
                    PreEmption::Duck => self.say("rồi phát nhỏ bên dưới", "then plays on beneath"),
                    PreEmption::Drop => self.say("rồi bỏ", "then is dropped"),
                };
                format!("{} {other} ({rule}), {then}", self.say("nhường", "yields to"))
            }
            Reason::OffAir { from, back, offset } => self.off_air(sheet, *from, *back, *offset),
            Reason::CededIn { zone, line, rule } => {
                let (zone, other, rule) = (self.zone_code(*zone), self.named(sheet, line), self.rule(*rule));
                if vi {
                    format!("riêng {zone} nghe {other} trong lúc đó ({rule})")
                } else {
                    format!("{zone} alone hears {other} meanwhile ({rule})")
                }
            }
            Reason::MediaMissing => self
                .say(
                    "thư viện không có tệp âm thanh này",
                    "the library does not hold its media",
                )
                .to_owned(),
            Reason::Cancelled { note } => {
                noted(self.say("bỏ trong ngày này", "taken out of this date"), note)
            }
            other => self.change_of_day(sheet, other),
        }
    }

    /// Tells what a date, a profile, a special, quiet hours or an approval made of a line.
    fn change_of_day(&self, sheet: &RunSheet, reason: &Reason) -> String {
        let vi = self.lang == Lang::Vi;
        match reason {
            Reason::Moved { from, note } => {
                let from = self.time(sheet, *from);
                noted(&format!("{} {from}", self.say("dời từ", "moved here from")), note)
            }
            Reason::MovedTo { to, note } => {
                let to = self.time(sheet, *to);
                noted(&format!("{} {to}", self.say("dời sang", "moved to")), note)
            }
            Reason::Replaced { programme, note } => noted(
                &format!("{} {programme}", self.say("thay cho", "in the place of")),
                note,
            ),
            Reason::Trimmed { limit, note } => noted(
                &format!("{} {}", self.say("rút còn", "shortened to"), clock(*limit)),
                note,
            ),
            Reason::Muted { profile } => format!("{} {profile}", self.say("không phát vì", "kept off by")),
            Reason::ReplacedOn { profile, programme } => {
                if vi {
                    format!("thay cho {programme} vì {profile}")
                } else {
                    format!("in the place of {programme}, for {profile}")
                }
            }
            Reason::AddedOn { profile } => format!("{} {profile}", self.say("thêm vì", "added for")),
            Reason::MakesRoom { line, how, planned } => {
                let (other, planned) = (self.other(sheet, *line), self.time(sheet, *planned));
                let how = match how {
                    MakesRoom::Trim => self.say("rút ngắn, nhường", "trimmed for"),
                    MakesRoom::Skip => self.say("bỏ, nhường", "skipped for"),
                    MakesRoom::Move => self.say("lùi lại, nhường", "moved behind"),
                };
                format!("{how} {other} ({} {planned})", self.say("dự kiến", "planned at"))
            }
            Reason::QuietHours { zone, until, .. } => {
                let zone = self.zone_code(*zone);
                let until = until.map_or_else(
                    || self.say("luôn luôn", "always").to_owned(),
                    |until| format!("{} {}", self.say("đến", "until"), self.time(sheet, until)),
                );
                format!(
                    "{} {zone}, {until}",
                    self.say("giờ yên tĩnh của", "quiet hours of")
                )
            }
            Reason::QuietFrom { zone, from } => {
                let (zone, from) = (self.zone_code(*zone), self.time(sheet, *from));
                if vi {
                    format!("nhỏ dần rồi dừng lúc {from}: giờ yên tĩnh của {zone}")
                } else {
                    format!("fades out at {from}: quiet hours of {zone}")
                }
            }
            Reason::MinutesSpent { zone, minutes } => {
                let zone = self.zone_code(*zone);
                if vi {
                    format!("vượt {minutes} phút mỗi ngày của {zone}")
                } else {
                    format!("beyond the {minutes} minutes a day of {zone}")
                }
            }
            Reason::SilentIn { zone } => {
                let zone = self.zone_code(*zone);
                if vi {
                    format!("{zone} im lặng: giờ yên tĩnh của riêng nơi đó")
                } else {
                    format!("silent in {zone}, by quiet hours of its own")
                }
            }
            Reason::NotApproved { what, state } => {
                format!(
                    "\"{what}\" {} ({})",
                    self.say("chưa được duyệt", "is not approved"),
                    self.state(*state)
                )
            }
            Reason::Episode { series, again } => {
                let how = if *again {
                    self.say("phát lại tập mới nhất của", "the newest episode once more, of")
                } else {
                    self.say("tập mới của", "a new episode of")
                };
                format!("{how} {series}")
            }
            Reason::NoEpisode { series } => {
                format!(
                    "{} {series}",
                    self.say("không có tập mới của", "no new episode of")
                )
            }
            Reason::Language { language } => format!("{} {language}", self.say("bản tiếng", "in")),
            Reason::Overruns { limit } => {
                let limit = clock(*limit);
                if vi {
                    format!("dài hơn khung giờ {limit}, được phát hết")
                } else {
                    format!("longer than its slot of {limit}, and may be")
                }
            }
            other => format!("{other:?}"),
        }
    }

    fn state(&self, state: ApprovalState) -> &'static str {
        match state {
            ApprovalState::Draft => self.say("bản nháp", "draft"),
            ApprovalState::Submitted => self.say("chờ duyệt", "submitted"),
            ApprovalState::Approved => self.say("đã duyệt", "approved"),
            ApprovalState::Rejected => self.say("bị trả lại", "rejected"),
            ApprovalState::Archived => self.say("đã lưu trữ", "archived"),
        }
    }

    fn off_air(&self, sheet: &RunSheet, from: WallTime, back: Option<WallTime>, offset: Duration) -> String {
        let (from, at) = (self.time(sheet, from), clock(offset));
        let back = back.map(|back| self.time(sheet, back));
        match (self.lang, back) {
            (Lang::Vi, Some(back)) if offset.is_zero() => format!("chờ từ {from}, bắt đầu lúc {back}"),
            (Lang::En, Some(back)) if offset.is_zero() => format!("waits from {from}, begins at {back}"),
            (Lang::Vi, Some(back)) => format!("mất sóng từ {from} đến {back}, rồi phát từ {at} của tệp"),
            (Lang::En, Some(back)) => {
                format!("off the air from {from} to {back}, then goes on from {at} of the file")
            }
            (Lang::Vi, None) if offset.is_zero() => format!("không có sóng lúc {from}, không phát"),
            (Lang::En, None) if offset.is_zero() => format!("finds no air at {from} and is not heard"),
            (Lang::Vi, None) => format!("mất sóng từ {from}, dừng ở {at} của tệp"),
            (Lang::En, None) => format!("off the air from {from}, ends at {at} of the file"),
        }
    }

    fn totals(&self, shown: &[&RunSheetLine]) -> String {
        let count = |verdict| shown.iter().filter(|line| line.verdict == verdict).count();
        let (airs, shifts, dropped) = (
            count(Verdict::Airs),
            count(Verdict::Shifts),
            count(Verdict::Dropped),
        );
        match self.lang {
            Lang::Vi => {
                format!(
                    "{} lượt phát: {airs} phát, {shifts} dời, {dropped} không phát\n",
                    shown.len()
                )
            }
            Lang::En => format!(
                "{} lines: {airs} air, {shifts} shift, {dropped} dropped\n",
                shown.len()
            ),
        }
    }
}

/// Adds what an exception says, if it says anything.
fn noted(text: &str, note: &str) -> String {
    if note.is_empty() {
        text.to_owned()
    } else {
        format!("{text}: {note}")
    }
}

/// Prints a length as minutes and seconds, with hours when there are any.
fn clock(length: Duration) -> String {
    let s = length.as_secs();
    if s < 3_600 {
        format!("{:02}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
    }
}

/// Pads every column to its widest cell; the first is set to the right. Each row ends with a line break.
fn aligned(rows: &[[String; COLUMNS]]) -> Vec<String> {
    let widths: [usize; COLUMNS] =
        std::array::from_fn(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0));
    let row_text = |row: &[String; COLUMNS]| {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - width(cell));
            if column == 0 {
                text.push_str(&" ".repeat(NUMBER_WIDTH.saturating_sub(widths[0])));
                text.push_str(&padding);
                text.push_str(cell);
            } else {
                text.push_str("  ");
                text.push_str(cell);
                text.push_str(&padding);
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    };
    rows.iter().map(row_text).collect()
}

/// Counts the places a text takes in a terminal: marks that combine take none.
fn width(text: &str) -> usize {
    text.chars().filter(|character| !is_mark(*character)).count()
}

const COLUMNS: usize = 7;
/// Room for numbers up to 999, so that reasons stand under the text and not under the number.
const NUMBER_WIDTH: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stay_aligned_with_combining_marks() {
        let row = |first: &str, title: &str| std::array::from_fn(|i| [first, title][i.min(1)].to_owned());
        let rows = aligned(&[row("1", "A\u{301}n"), row("10", "Ấn Độ")]);
        assert_eq!(rows[0].find("A\u{301}n").unwrap(), rows[1].find("Ấn").unwrap());
        let places = |row: &str| width(&row[..row.trim_end().rfind("  ").unwrap()]);
        assert!(places(&rows[0]) <= places(&rows[1]));
        assert_eq!(width("A\u{301}n"), 2);
    }

    #[test]
    fn lengths_read_as_clocks() {
        let rows = [
            (0, "00:00"),
            (59, "00:59"),
            (754, "12:34"),
            (3_600, "1:00:00"),
            (5_025, "1:23:45"),
        ];
        for (s, text) in rows {
            assert_eq!(clock(Duration::from_secs(s)), text);
        }
    }
}
