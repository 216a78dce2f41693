//! What the panel says to people in plain words: times and numbers, names, reasons.

mod figures;
mod names;
mod reasons;

pub(crate) use figures::{calendar, clock, clock_on, date, day_and_clock, decimal, length, local, weekday};
pub(crate) use names::{before_or_after, browser, class, count_name, deed, role_name, state_name, verdict};
pub(crate) use reasons::{end_reason, reason};
