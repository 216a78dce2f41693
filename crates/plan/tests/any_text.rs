//! Whatever is in a schedule file, it is taken or refused with a place and a remedy; nothing panics.

use loa_plan::{CronLine, Lang, Severity, parse};
use proptest::prelude::*;

const WEEK: &str = include_str!("../../../schedules/week.toml");
const ZONES: &str = include_str!("../../../schedules/zones.toml");
const SPECIAL_DAYS: &str = include_str!("../../../schedules/special-days.toml");

fn judged(text: &str) -> Result<(), TestCaseError> {
    let lines = text.lines().count() + 1;
    for fault in parse("any.toml", text).err().into_iter().flatten() {
        prop_assert_eq!(fault.severity, Severity::Error);
        prop_assert!(
            (1..=lines).contains(&fault.line) && fault.column >= 1,
            "{}",
            fault.say(Lang::En)
        );
        for lang in [Lang::Vi, Lang::En] {
            prop_assert!(!fault.message.get(lang).is_empty() && !fault.remedy.get(lang).is_empty());
        }
    }
    Ok(())
}

fn sample() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(WEEK), Just(ZONES), Just(SPECIAL_DAYS)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn any_text(text in "\\PC{0,200}") {
        judged(&text)?;
    }

    /// A sample with some of it overwritten, taken out or doubled.
    #[test]
    fn any_slip_of_the_fingers(
        text in sample(),
        slips in prop::collection::vec((any::<prop::sample::Index>(), 0..8usize, "[\\PC\\n]{0,6}"), 1..4),
    ) {
        let mut text: Vec<char> = text.chars().collect();
        for (at, gone, put) in slips {
            let from = at.index(text.len());
            let to = (from + gone).min(text.len());
            text.splice(from..to, put.chars());
        }
        judged(&text.into_iter().collect::<String>())?;
    }

    #[test]
    fn any_cron_line(line in "[0-9*,/#LW?A-Za-zứ -]{0,40}") {
        if let Err(faults) = CronLine::parse(&line) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(fault.at <= line.chars().count());
            }
        }
    }
}
