//! What somebody should look at before the day, and what to do about it.

use std::time::Duration;

use loa_model::{LineName, RunSheet, Verdict, WallTime, ZoneId, ZoneTree};
use loa_plan::{LINES_MAX, Lang, local};
use serde::Serialize;

use super::diff::Difference;

/// One thing found in a rehearsal. Lines of its day are named by their number in the run-sheet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// Two lines want the air of the same receivers.
    Overlap {
        /// The line that loses.
        line: u32,
        /// To whom.
        to: LineName,
        /// For how much of it nothing of it is heard, s.
        off_air_s: u64,
    },
    /// A line is longer than its slot.
    Overrun {
        /// The line.
        line: u32,
        /// How much of it is cut, s; zero if it may be longer.
        cut_s: u64,
    },
    /// Nothing sounds between two lines that follow each other closely.
    Gap {
        /// The line before.
        line: u32,
        /// The line after.
        next: u32,
        /// How long, s.
        gap_s: u64,
    },
    /// A piece of media is not in the library, or its file is gone.
    Missing {
        /// The line.
        line: u32,
        /// Name of the piece.
        what: String,
    },
    /// Something is not approved.
    NotApproved {
        /// The line.
        line: u32,
        /// Name of it.
        what: String,
    },
    /// A piece of media is louder than the station's target.
    TooLoud {
        /// The line.
        line: u32,
        /// Name of the piece.
        what: String,
        /// By how much, dB.
        over_db: i32,
    },
    /// A series has nothing that the zone has not heard.
    NoEpisode {
        /// The line.
        line: u32,
        /// Name of the series.
        series: String,
    },
    /// A source of a relay cannot be heard now.
    Unreachable {
        /// The line.
        line: u32,
        /// The source, without its credentials.
        source: String,
        /// Why.
        why: String,
    },
    /// A line falls into quiet hours.
    QuietHours {
        /// The line.
        line: u32,
        /// The zone whose quiet hours they are.
        zone: ZoneId,
    },
    /// A line goes beyond the minutes of the day.
    MinutesSpent {
        /// The line.
        line: u32,
        /// The zone whose minutes they are.
        zone: ZoneId,
        /// Minutes a day.
        minutes: u16,
    },
    /// Something airs in a zone, and no receiver of it was heard from lately.
    NoReceiver {
        /// The zone.
        zone: ZoneId,
        /// Receivers that are registered there or below.
        registered: usize,
    },
    /// The day has more lines than a run-sheet holds.
    LeftOut {
        /// How many of the latest are not in it.
        lines: usize,
    },
    /// A line that should air never did, for another reason.
    NotAired {
        /// The line.
        line: u32,
        /// Why.
        why: String,
    },
    /// A line begins at another time than planned, though nothing is in its way.
    OffTime {
        /// The line.
        line: u32,
        /// How much later, ms; negative if earlier.
        late_ms: i64,
    },
}

/// Says findings in a person's language.
#[derive(Clone, Copy, Debug)]
pub struct FindingText<'a> {
    /// In which language.
    pub lang: Lang,
    /// Names the lines.
    pub sheet: &'a RunSheet,
    /// Names the zones.
    pub tree: &'a ZoneTree,
    /// In whose local time.
    pub tz: chrono_tz::Tz,
}

impl FindingText<'_> {
    /// Returns what was found, and the remedy.
    pub fn say(&self, finding: &Finding) -> (String, String) {
        let (vi, en) = match finding {
            Finding::Overlap { line, to, off_air_s } => {
                let (line, to, off) = (self.line(*line), self.named(to), clock(*off_air_s));
                (
                    (
                        format!("{line} nhường {to}, mất sóng {off}"),
                        "đổi giờ một trong hai, hoặc đổi loại bản tin",
                    ),
                    (
                        format!("{line} gives way to {to}, off the air for {off}"),
                        "move one of them, or change a class",
                    ),
                )
            }
            Finding::Overrun { line, cut_s: 0 } => (
                (
                    format!("{} dài hơn khung giờ", self.line(*line)),
                    "không cần làm gì nếu đúng ý",
                ),
                (
                    format!("{} is longer than its slot", self.line(*line)),
                    "nothing, if that is meant",
                ),
            ),
            Finding::Overrun { line, cut_s } => (
                (
                    format!("{} bị cắt mất {}", self.line(*line), clock(*cut_s)),
                    "tăng max_duration, cho overrun, hoặc cắt ngắn tệp",
                ),
                (
                    format!("{} loses {} at its end", self.line(*line), clock(*cut_s)),
                    "raise max_duration, allow an overrun, or shorten the file",
                ),
            ),
            Finding::Gap { line, next, gap_s } => {
                let (line, next, gap) = (self.line(*line), self.line(*next), clock(*gap_s));
                (
                    (
                        format!("im lặng {gap} giữa {line} và {next}"),
                        "dời cho sát nhau, hoặc thêm nhạc nền",
                    ),
                    (
                        format!("{gap} of silence between {line} and {next}"),
                        "move them together, or put music between",
                    ),
                )
            }
            Finding::Missing { line, what } => (
                (
                    format!("{}: thiếu tệp \"{what}\"", self.line(*line)),
                    "nhập lại: loa media add TỆP",
                ),
                (
                    format!("{}: the file of \"{what}\" is missing", self.line(*line)),
                    "import it again: loa media add FILE",
                ),
            ),
            Finding::NotApproved { line, what } => (
                (
                    format!("{}: \"{what}\" chưa được duyệt", self.line(*line)),
                    "duyệt: loa programme decide approve MÃ",
                ),
                (
                    format!("{}: \"{what}\" is not approved", self.line(*line)),
                    "approve it: loa programme decide approve CODE",
                ),
            ),
            Finding::TooLoud { line, what, over_db } => (
                (
                    format!("{}: \"{what}\" to hơn mức chuẩn {over_db} dB", self.line(*line)),
                    "nhập lại không có --as-is",
                ),
                (
                    format!(
                        "{}: \"{what}\" is {over_db} dB louder than the target",
                        self.line(*line)
                    ),
                    "import it again without --as-is",
                ),
            ),
            Finding::NoEpisode { line, series } => (
                (
                    format!("{}: chuyên mục {series} không có tập mới", self.line(*line)),
                    "thêm và duyệt một tập, hoặc đặt when_none",
                ),
                (
                    format!("{}: series {series} has no new episode", self.line(*line)),
                    "add and approve one, or set when_none",
                ),
            ),
            Finding::Unreachable { line, source, why } => (
                (
                    format!("{}: không nghe được {source} ({why})", self.line(*line)),
                    "kiểm tra địa chỉ và đường mạng; thêm nguồn dự phòng",
                ),
                (
                    format!("{}: {source} cannot be heard ({why})", self.line(*line)),
                    "check address and network; add another source",
                ),
            ),
            Finding::QuietHours { line, zone } => (
                (
                    format!(
                        "{} rơi vào giờ yên tĩnh của {}",
                        self.line(*line),
                        self.zone(*zone)
                    ),
                    "đổi giờ",
                ),
                (
                    format!(
                        "{} falls into the quiet hours of {}",
                        self.line(*line),
                        self.zone(*zone)
                    ),
                    "move it",
                ),
            ),
            Finding::MinutesSpent { line, zone, minutes } => (
                (
                    format!(
                        "{} vượt {minutes} phút mỗi ngày của {}",
                        self.line(*line),
                        self.zone(*zone)
                    ),
                    "rút ngắn, hoặc bỏ bớt",
                ),
                (
                    format!(
                        "{} goes beyond the {minutes} minutes a day of {}",
                        self.line(*line),
                        self.zone(*zone)
                    ),
                    "shorten it, or leave something out",
                ),
            ),
            Finding::NoReceiver { zone, registered } => (
                (
                    format!(
                        "{}: không cụm loa nào hoạt động ({registered} cụm đã đăng ký)",
                        self.zone(*zone)
                    ),
                    "kiểm tra điện và mạng của cụm loa: loa receiver list",
                ),
                (
                    format!(
                        "{}: no receiver is alive ({registered} registered)",
                        self.zone(*zone)
                    ),
                    "check power and network of the receivers: loa receiver list",
                ),
            ),
            Finding::LeftOut { lines } => (
                (
                    format!("{lines} lượt sau cùng không có trong lịch: một ngày chỉ giữ được {LINES_MAX}"),
                    "bớt lượt phát, hoặc phát ở địa bàn cấp trên",
                ),
                (
                    format!("the latest {lines} airings are left out: a run-sheet holds {LINES_MAX}"),
                    "air less often, or in the zone above",
                ),
            ),
            Finding::NotAired { line, why } => (
                (
                    format!("{} không được phát: {why}", self.line(*line)),
                    "xem lý do trong loa schedule show",
                ),
                (
                    format!("{} is not aired: {why}", self.line(*line)),
                    "see its reasons in loa schedule show",
                ),
            ),
            Finding::OffTime { line, late_ms } => (
                (
                    format!("{} lệch {late_ms} ms so với kế hoạch", self.line(*line)),
                    "báo cho người viết phần mềm",
                ),
                (
                    format!("{} is {late_ms} ms off its plan", self.line(*line)),
                    "tell the makers of this software",
                ),
            ),
        };
        let (text, remedy) = match self.lang {
            Lang::Vi => vi,
            Lang::En => en,
        };
        (text, remedy.to_owned())
    }

    /// Returns what is otherwise on a day than on another.
    pub fn differs(&self, difference: &Difference) -> String {
        let verdict = |verdict: Verdict| match (self.lang, verdict) {
            (Lang::Vi, Verdict::Airs) => "phát",
            (Lang::Vi, Verdict::Shifts) => "dời",
            (Lang::Vi, Verdict::Dropped) => "không phát",
            (Lang::En, Verdict::Airs) => "airs",
            (Lang::En, Verdict::Shifts) => "shifts",
            (Lang::En, Verdict::Dropped) => "dropped",
        };
        match difference {
            Difference::Added { line } => format!("+ {}", self.line(*line)),
            Difference::Gone {
                title, zone, time, ..
            } => format!("- {time} \"{title}\" ({})", self.zone(*zone)),
            Difference::Changed {
                line,
                title,
                time,
                duration,
                verdict: was,
            } => {
                let now = self.sheet.line(*line);
                let now = now.map_or_else(String::new, |line| {
                    format!("{}, {}", clock(line.duration.as_secs()), verdict(line.verdict))
                });
                let before = match self.lang {
                    Lang::Vi => "trước",
                    Lang::En => "before",
                };
                format!(
                    "~ {}, {now} ({before}: {time} \"{title}\", {}, {})",
                    self.line(*line),
                    clock(duration.as_secs()),
                    verdict(*was)
                )
            }
        }
    }

    fn named(&self, name: &LineName) -> String {
        match (name, self.lang) {
            (LineName::Here(number), _) => self.line(*number),
            (LineName::On { date, line, title }, Lang::Vi) => {
                format!("#{line} \"{title}\" của ngày {}", date.format("%d/%m"))
            }
            (LineName::On { date, line, title }, Lang::En) => {
                format!("#{line} \"{title}\" of {}", date.format("%m-%d"))
            }
        }
    }

    /// Returns what people call a line.
    pub fn line(&self, number: u32) -> String {
        self.sheet.line(number).map_or_else(
            || format!("#{number}"),
            |line| {
                format!(
                    "#{number} {} \"{}\" ({})",
                    self.time(line.start),
                    line.title,
                    self.zone(line.occurrence.zone)
                )
            },
        )
    }

    fn time(&self, at: WallTime) -> String {
        local::to_local(self.tz, at).format("%H:%M:%S").to_string()
    }

    /// Returns what people call a zone.
    pub fn zone(&self, zone: ZoneId) -> String {
        self.tree
            .get(zone)
            .map_or_else(|| zone.to_string(), |zone| zone.code.clone())
    }
}

fn clock(s: u64) -> String {
    let span = Duration::from_secs(s).as_secs();
    format!("{}:{:02}", span / 60, span % 60)
}
