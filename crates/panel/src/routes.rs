//! Every address, what it asks of who calls it, and what answers there: the one table that the router is built from.

use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use loa_model::Permission::{Administer, Alert, Announce, Approve, Edit, See};

use crate::guard::Asks;
use crate::people::Due;
use crate::router::Panel;
use crate::{api, assets, listen, live, pages, probes, speak, upload};

/// An address, and what it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Such as `GET`.
    pub method: &'static str,
    /// With names in braces for what changes.
    pub path: &'static str,
    /// What it asks of who calls it.
    pub asks: Asks,
    /// Whether its answer goes on until somebody leaves.
    pub endless: bool,
}

/// Returns every address of the panel.
pub fn routes() -> Vec<Route> {
    table().into_iter().map(|entry| entry.route).collect()
}

pub(crate) struct Entry {
    pub(crate) route: Route,
    pub(crate) answers: MethodRouter<Panel>,
}

pub(crate) fn table() -> Vec<Entry> {
    use pages::{
        account, audit, backup, ca, emergency, emergency_templates, library, login, on_air, piece, tokens,
        user, users, versions,
    };
    const ANY_LOGIN: Asks = Asks::Login(&[]);
    const FIRST_PASSWORD: Asks = Asks::Login(&[Due::Password]);
    const FIRST_TOTP: Asks = Asks::Login(&[Due::Totp]);
    vec![
        get("/", Asks::Shows(See), on_air::page),
        get("/today", Asks::In(See), pages::today::page),
        get("/receivers", Asks::Shows(See), pages::receivers::page),
        get("/as-run", Asks::In(See), pages::as_run::page),
        post("/overrides", Asks::ToAir, on_air::start),
        post("/overrides/{session}/stop", Asks::ToAir, on_air::stop),
        get("/assets/{name}", Asks::Nothing, assets::asset),
        get("/ca", Asks::Nothing, ca::page),
        get("/ca.crt", Asks::Nothing, ca::certificate),
        get("/zones/{code}/loa.sdp", Asks::Nothing, probes::sdp),
        endless(get("/live/air", Asks::Shows(See), live::air)),
        endless(get("/live/receivers", Asks::Shows(See), live::receivers)),
        endless(get("/zones/{code}/listen.opus", Asks::In(See), listen::ogg)),
        endless(get("/zones/{code}/listen.webm", Asks::In(See), listen::webm)),
        // Speaking live.
        get("/speak", Asks::Shows(Announce), pages::speak::page),
        endless(get("/live/speak", Asks::Shows(Announce), speak::socket)),
        get("/time-to-air", Asks::Shows(See), pages::time_to_air::page),
        // Emergencies.
        get("/emergency", Asks::Shows(Alert), emergency::page),
        endless(get("/live/emergency", Asks::Shows(Alert), live::emergency)),
        post("/emergency/release", Asks::In(Alert), emergency::release),
        post(
            "/emergency/waiting/{number}/confirm",
            Asks::In(Alert),
            emergency::confirm,
        ),
        post(
            "/emergency/waiting/{number}/withdraw",
            Asks::In(Alert),
            emergency::withdraw,
        ),
        post("/emergency/stop", Asks::In(Alert), emergency::stop),
        get(
            "/emergency/templates",
            Asks::Shows(Alert),
            emergency_templates::page,
        ),
        post("/emergency/templates", Asks::In(Alert), emergency_templates::put),
        post(
            "/emergency/templates/{number}/remove",
            Asks::In(Alert),
            emergency_templates::remove,
        ),
        // The schedule, by day and by week.
        get("/week", Asks::In(See), pages::week::page),
        get("/rehearsal", Asks::In(See), pages::rehearsal::page),
        get("/as-run.csv", Asks::In(See), pages::as_run::csv),
        get("/change", Asks::In(Edit), pages::change::page),
        post("/change", Asks::In(Edit), pages::change::save),
        post("/change/{number}/undo", Asks::In(Edit), pages::change::undo),
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
        post("/account/tokens", ANY_LOGIN, tokens::add),
        post("/account/tokens/{token}/revoke", ANY_LOGIN, tokens::revoke),
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
        // Keeping the station.
        get("/backup", Asks::Everywhere(Administer), backup::page),
        post("/backup", Asks::Everywhere(Administer), backup::make),
        endless(get(
            "/backup/{name}",
            Asks::Everywhere(Administer),
            backup::download,
        )),
        get("/settings", Asks::Everywhere(Administer), pages::settings::page),
        // The library, and what is on its way there.
        get("/library", Asks::Shows(See), library::page),
        get("/library/{hash}", Asks::In(See), piece::page),
        get("/library/{hash}/peaks", Asks::In(See), piece::peaks),
        endless(get("/library/{hash}/sound.opus", Asks::In(See), piece::sound)),
        post("/library/{hash}/title", Asks::In(Edit), piece::rename),
        post("/library/{hash}/series", Asks::In(Edit), piece::set_series),
        post("/library/{hash}/versions", Asks::In(Edit), versions::set),
        post(
            "/library/{hash}/versions/remove",
            Asks::In(Edit),
            versions::remove,
        ),
        post("/library/{hash}/cut", Asks::In(Edit), piece::cut),
        post("/library/{hash}/remove", Asks::In(Edit), piece::remove),
        post("/library/{hash}/submit", Asks::In(Edit), piece::submit),
        post("/library/{hash}/decide", Asks::In(Approve), piece::judge),
        get("/uploads", Asks::Shows(Edit), upload::list),
        options("/uploads", Asks::Shows(Edit), upload::options),
        post("/uploads", Asks::In(Edit), upload::create),
        head("/uploads/{id}", Asks::In(Edit), upload::head),
        // As long as bytes come.
        endless(patch("/uploads/{id}", Asks::In(Edit), upload::patch)),
        endless(post("/uploads/{id}", Asks::In(Edit), upload::overridden)),
        delete("/uploads/{id}", Asks::In(Edit), upload::terminate),
        // For programs.
        get("/api", Asks::Nothing, pages::api::page),
        get("/api/v1/openapi.json", Asks::Nothing, api::openapi),
        post("/api/v1/login", Asks::Nothing, api::log_in),
        delete("/api/v1/login", Asks::Nothing, api::log_out),
        post("/api/v1/login/code", Asks::Login(&[Due::Code]), api::enter_code),
        get("/api/v1/me", ANY_LOGIN, api::own_rights),
        get("/api/v1/zones", Asks::Shows(See), api::zones),
        endless(get(
            "/api/v1/zones/{code}/listen.opus",
            Asks::In(See),
            api::listen_in,
        )),
        get("/api/v1/snapshot", Asks::Shows(See), api::snapshot),
        endless(get("/api/v1/events", Asks::Shows(See), api::events)),
        get("/api/v1/media", Asks::Shows(Announce), api::media),
        get("/api/v1/run-sheet", Asks::In(See), api::run_sheet),
        get("/api/v1/receivers", Asks::Shows(See), api::receivers),
        get("/api/v1/as-run", Asks::In(See), api::as_run),
        post("/api/v1/overrides", Asks::ToAir, api::start_override),
        delete("/api/v1/overrides/{session}", Asks::ToAir, api::stop_override),
        get("/api/v1/emergencies", Asks::Shows(Alert), api::emergencies),
        get(
            "/api/v1/emergencies/templates",
            Asks::Shows(Alert),
            api::emergency_templates,
        ),
        post("/api/v1/emergencies", Asks::In(Alert), api::release_emergency),
        post(
            "/api/v1/emergencies/waiting/{number}/confirm",
            Asks::In(Alert),
            api::confirm_emergency,
        ),
        delete(
            "/api/v1/emergencies/waiting/{number}",
            Asks::In(Alert),
            api::withdraw_emergency,
        ),
        post("/api/v1/reports", Asks::Nothing, api::report),
        get("/healthz", Asks::Nothing, probes::healthz),
        get("/metrics", Asks::Nothing, probes::metrics),
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

fn patch<T: 'static>(path: &'static str, asks: Asks, handler: impl Handler<T, Panel>) -> Entry {
    entry("PATCH", path, asks, routing::patch(handler))
}

fn head<T: 'static>(path: &'static str, asks: Asks, handler: impl Handler<T, Panel>) -> Entry {
    entry("HEAD", path, asks, routing::head(handler))
}

fn options<T: 'static>(path: &'static str, asks: Asks, handler: impl Handler<T, Panel>) -> Entry {
    entry("OPTIONS", path, asks, routing::options(handler))
}

fn entry(method: &'static str, path: &'static str, asks: Asks, answers: MethodRouter<Panel>) -> Entry {
    Entry {
        route: Route {
            method,
            path,
            asks,
            endless: false,
        },
        answers,
    }
}

fn endless(entry: Entry) -> Entry {
    let route = Route {
        endless: true,
        ..entry.route
    };
    Entry { route, ..entry }
}
