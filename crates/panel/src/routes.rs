//! Every address, what it asks of who calls it, and what answers there: the one table that the router is built from.

use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use loa_model::Permission::{Administer, Announce, See};

use crate::guard::Asks;
use crate::people::Due;
use crate::router::Panel;
use crate::{api, assets, listen, live, pages};

/// An address, and what it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Such as `GET`.
    pub method: &'static str,
    /// With names in braces for what changes.
    pub path: &'static str,
    /// What it asks of who calls it.
    pub asks: Asks,
}

/// Returns every address of the panel.
pub fn routes() -> Vec<Route> {
    table().into_iter().map(|entry| entry.route).collect()
}

pub(crate) struct Entry {
    pub(crate) route: Route,
    pub(crate) answers: MethodRouter<Panel>,
    /// Whether its answer goes on until somebody leaves.
    pub(crate) endless: bool,
}

pub(crate) fn table() -> Vec<Entry> {
    use pages::{account, audit, ca, login, on_air, user, users};
    const ANY_LOGIN: Asks = Asks::Login(&[]);
    const FIRST_PASSWORD: Asks = Asks::Login(&[Due::Password]);
    const FIRST_TOTP: Asks = Asks::Login(&[Due::Totp]);
    vec![
        get("/", Asks::Shows(See), on_air::page),
        get("/today", Asks::In(See), pages::today::page),
        get("/receivers", Asks::Shows(See), pages::receivers::page),
        get("/as-run", Asks::In(See), pages::as_run::page),
        post("/overrides", Asks::In(Announce), on_air::start),
        post("/overrides/{session}/stop", Asks::In(Announce), on_air::stop),
        get("/assets/{name}", Asks::Nothing, assets::asset),
        get("/ca", Asks::Nothing, ca::page),
        get("/ca.crt", Asks::Nothing, ca::certificate),
        get("/zones/{code}/loa.sdp", Asks::Nothing, api::sdp),
        endless(get("/live/air", Asks::Shows(See), live::air)),
        endless(get("/live/receivers", Asks::Shows(See), live::receivers)),
        endless(get("/zones/{code}/listen.opus", Asks::In(See), listen::ogg)),
        endless(get("/zones/{code}/listen.webm", Asks::In(See), listen::webm)),
        // In and out.
        get("/login", Asks::Nothing, login::page),
        post("/login", Asks::Nothing, login::log_in),
        get("/login/code", Asks::Login(&[Due::Code]), login::code_page),
        post("/login/code", Asks::Login(&[Due::Code]), login::enter_code),
        post("/logout", Asks::Nothing, login::log_out),
        // One's own account.
        get("/account", FIRST_PASSWORD, account::page),
        post("/account/password", FIRST_PASSWORD, account::set_password),
        get("/account/totp", FIRST_TOTP, account::totp_page),
        post("/account/totp", FIRST_TOTP, account::set_totp),
        post("/account/totp/remove", ANY_LOGIN, account::remove_totp),
        post("/account/recovery-codes", ANY_LOGIN, account::recovery_codes),
        post("/account/logins/{login}/end", ANY_LOGIN, account::end_login),
        post("/account/logins/end", ANY_LOGIN, account::end_other_logins),
        // Those of others.
        get("/users", Asks::Shows(Administer), users::page),
        post("/users", Asks::In(Administer), users::add),
        get("/users/{user}", Asks::In(Administer), user::page),
        post("/users/{user}/roles", Asks::In(Administer), user::give),
        post("/users/{user}/roles/take", Asks::In(Administer), user::take),
        post("/users/{user}/disable", Asks::In(Administer), user::disable),
        post("/users/{user}/enable", Asks::In(Administer), user::enable),
        post(
            "/users/{user}/password",
            Asks::In(Administer),
            user::one_time_password,
        ),
        post("/users/{user}/totp/reset", Asks::In(Administer), user::reset_totp),
        post("/users/{user}/unlock", Asks::In(Administer), user::unlock),
        post(
            "/users/{user}/logins/{login}/end",
            Asks::In(Administer),
            user::end_login,
        ),
        post("/users/{user}/logins/end", Asks::In(Administer), user::end_logins),
        get("/audit", Asks::Everywhere(Administer), audit::page),
        // For programs.
        post("/api/v1/login", Asks::Nothing, api::log_in),
        post("/api/v1/login/code", Asks::Login(&[Due::Code]), api::enter_code),
        get("/api/v1/snapshot", Asks::Shows(See), api::snapshot),
        get("/api/v1/run-sheet", Asks::In(See), api::run_sheet),
        get("/api/v1/receivers", Asks::Shows(See), api::receivers),
        get("/api/v1/as-run", Asks::In(See), api::as_run),
        post("/api/v1/overrides", Asks::In(Announce), api::start_override),
        delete(
            "/api/v1/overrides/{session}",
            Asks::In(Announce),
            api::stop_override,
        ),
        post("/api/v1/reports", Asks::Nothing, api::report),
        get("/healthz", Asks::Nothing, api::healthz),
        get("/metrics", Asks::Nothing, api::metrics),
    ]
}

fn get<T: 'static>(path: &'static str, asks: Asks, handler: impl Handler<T, Panel>) -> Entry {
    entry("GET", path, asks, routing::get(handler))
}

fn post<T: 'static>(path: &'static str, asks: Asks, handler: impl Handler<T, Panel>) -> Entry {
    entry("POST", path, asks, routing::post(handler))
}

fn delete<T: 'static>(path: &'static str, asks: Asks, handler: impl Handler<T, Panel>) -> Entry {
    entry("DELETE", path, asks, routing::delete(handler))
}

fn entry(method: &'static str, path: &'static str, asks: Asks, answers: MethodRouter<Panel>) -> Entry {
    Entry {
        route: Route { method, path, asks },
        answers,
        endless: false,
    }
}

fn endless(entry: Entry) -> Entry {
    Entry {
        endless: true,
        ..entry
    }
}
