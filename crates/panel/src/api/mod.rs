//! The JSON API, `/api/v1`. Pages and API give the same commands through the same functions.
//!
//! To add an address: write a handler here with `#[utoipa::path(…)]` beside it, put it into the table of `routes.rs`, and
//! name it in the list of `document.rs`. The first line of its doc comment is its title; say that title in the language
//! files as well, as `api-op-` and the handler's name. Annotate what only this handler knows: its parameters, its body,
//! what it answers, and refusals of its own (404, 409, 429). What follows from the table is added to the document by
//! itself: who may call it, and the refusals that come with that, with a body or with parameters.
//! `crates/panel/tests/api.rs` fails where table, handlers and document disagree, and `tests/access.rs` until there is
//! a sample of a request.

mod air;
mod day;
pub(crate) mod document;
mod emergencies;
mod listen;
mod login;
mod media;
mod overrides;
mod own;
pub(crate) mod problem;
mod receivers;
mod release;
mod source;
mod wanted;

pub(crate) use air::{events, seen, snapshot, zones};
pub(crate) use day::{as_run, run_sheet};
pub(crate) use document::openapi;
pub use document::openapi_json;
pub(crate) use emergencies::{
    RunningEmergency, WaitingEmergency, codes, emergencies, emergency_templates, running, waiting,
};
pub(crate) use listen::listen_in;
pub(crate) use login::{Code, Credentials, check, enter_code, log_in, log_out};
pub(crate) use media::{media, media_shown, to_put_on_air};
pub(crate) use overrides::{StartOverride, start, start_override, stop, stop_all, stop_override, to_air};
pub(crate) use own::own_rights;
pub(crate) use problem::Problem;
pub(crate) use receivers::{receivers, report};
pub(crate) use release::{
    Wish, ZONES_MAX, confirm, confirm_emergency, release, release_emergency, withdraw, withdraw_emergency,
};
pub(crate) use wanted::{Wanted, date_from, is_heard, named_zones, zone};
