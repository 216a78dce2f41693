//! The description of the API (OpenAPI 3.1): what stands beside the handlers, and what follows from the table of routes.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use loa_model::Permission;
use utoipa::OpenApi;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response as Described, ResponseBuilder, SecurityRequirement};

use super::problem::{KIND, Problem};
use crate::guard::Asks;
use crate::routes::{Route, routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Loa",
        description = "The JSON API of a Loa head-end: what is on air, taking the air, emergencies, the day, the \
                       receivers. Times are nanoseconds of UTC since 1970-01-01T00:00:00Z. Refusals have one shape \
                       (RFC 9457).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        super::air::snapshot,
        super::air::events,
        super::air::zones,
        super::listen::listen_in,
        super::media::media,
        super::overrides::start_override,
        super::overrides::stop_override,
        super::emergencies::emergency_templates,
        super::emergencies::emergencies,
        super::release::release_emergency,
        super::release::confirm_emergency,
        super::release::withdraw_emergency,
        super::day::run_sheet,
        super::day::as_run,
        super::receivers::receivers,
        super::receivers::report,
        super::own::own_rights,
        super::login::log_in,
        super::login::enter_code,
        super::login::log_out,
        openapi,
    ),
    components(schemas(Problem)),
    tags(
        (name = "air", description = "What is on air, and taking the air."),
        (name = "emergency", description = "Emergencies that lie ready, and their way onto the air."),
        (name = "day", description = "What is planned, and what was aired."),
        (name = "receivers", description = "The boxes on the poles."),
        (name = "login", description = "Who calls. Programs show a token; a cookie is for browsers."),
        (name = "about", description = "This description."),
    )
)]
struct Annotations;

/// Returns the whole description.
pub(crate) fn document() -> &'static utoipa::openapi::OpenApi {
    static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(complete);
    &DOCUMENT
}

/// Returns the description of the API.
///
/// OpenAPI 3.1. `x-permission` says which permission an address asks, and `x-permission-in` where: `zone` (in the zone
/// that the request names, or in which lies what it names), `air` (the same; for what is an emergency `alert` is asked
/// instead), `some-zone` (somewhere; the answer holds what lies where the
/// permission is held) or `every-zone`. `x-endless` marks answers that go on until somebody leaves.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "about",
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value, content_type = "application/json"))
)]
pub(crate) async fn openapi() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(openapi_json);
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, TEXT.as_str()).into_response()
}

/// Returns the description of the API, in JSON.
pub fn openapi_json() -> String {
    document().to_json().expect("a description is JSON")
}

fn complete() -> utoipa::openapi::OpenApi {
    let mut document = Annotations::openapi();
    let components = document.components.get_or_insert_default();
    for (name, scheme) in [(COOKIE, cookie()), (TOKEN, token())] {
        components.add_security_scheme(name, scheme);
    }
    for route in routes() {
        let item = document.paths.paths.get_mut(route.path);
        if let Some(operation) = item.and_then(|item| operation(item, route.method)) {
            add_what_follows(operation, route);
        }
    }
    document
}

fn cookie() -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
        "loa_login",
        "The cookie that logging in sets. A request that changes something is refused with 403 if a browser says that \
         another site makes it (`Sec-Fetch-Site`, `Origin`).",
    )))
}

fn token() -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "A token, made on the page `/account` or by `loa token add`. It may what its owner may at the moment, and of that \
         what its scopes say. Pages do not take it. The rule about other sites does not bind it.",
    ));
    SecurityScheme::Http(scheme.build())
}

fn operation<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    let operation = match method {
        "GET" => &mut item.get,
        "POST" => &mut item.post,
        "PUT" => &mut item.put,
        "PATCH" => &mut item.patch,
        "DELETE" => &mut item.delete,
        _ => return None,
    };
    operation.as_mut()
}

/// Adds who may call, and the refusals that come with that, with parameters and with a body.
fn add_what_follows(operation: &mut Operation, route: Route) {
    let (security, permission) = match route.asks {
        Asks::Nothing => (Vec::new(), None),
        // A login that lacks something is nothing that a token could stand for.
        Asks::Login([_, ..]) => (vec![by(COOKIE)], None),
        Asks::Login([]) => (vec![by(TOKEN), by(COOKIE)], None),
        Asks::Shows(permission) => (vec![by(TOKEN), by(COOKIE)], Some((permission, "some-zone"))),
        Asks::In(permission) => (vec![by(TOKEN), by(COOKIE)], Some((permission, "zone"))),
        Asks::ToAir => (vec![by(TOKEN), by(COOKIE)], Some((Permission::Announce, "air"))),
        Asks::Everywhere(permission) => (vec![by(TOKEN), by(COOKIE)], Some((permission, "every-zone"))),
    };
    let is_open = security.is_empty();
    operation.security = Some(security);
    let mut extensions = ExtensionsBuilder::new();
    if let Some((permission, place)) = permission {
        extensions = extensions
            .add("x-permission", permission.name())
            .add("x-permission-in", place);
    }
    if route.endless {
        extensions = extensions.add("x-endless", true);
    }
    operation.extensions = Some(extensions.build());
    let mut refusals = vec![("503", "The station cannot do it at present.")];
    if operation.parameters.is_some() || operation.request_body.is_some() {
        refusals.push(("400", "The request cannot be read, or says what cannot be."));
    }
    if let Some(body) = &operation.request_body {
        refusals.push(("413", "The body is too long."));
        // Anything else is taken as bytes, and refused for what they say.
        if body_is_json(body) {
            refusals.push(("415", "The body is of another type."));
            refusals.push(("422", "The body is not what is asked for."));
        }
    }
    if !is_open {
        refusals.push((
            "401",
            "Nobody is logged in, or the token is unknown, expired or revoked.",
        ));
    }
    if !is_open || route.method != "GET" {
        refusals.push(("403", "Not permitted; or another site makes the request."));
    }
    let responses = &mut operation.responses.responses;
    for (status, description) in refusals {
        let refusal = ResponseBuilder::new().description(description).build();
        responses.entry(status.to_owned()).or_insert(RefOr::T(refusal));
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
        {
            say_problem(response);
        }
    }
}

fn body_is_json(body: &RefOr<RequestBody>) -> bool {
    matches!(body, RefOr::T(body) if body.content.contains_key("application/json"))
}

fn say_problem(response: &mut Described) {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    response.content.insert(KIND.to_owned(), RefOr::T(content));
}

fn by(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new::<_, [&str; 0], &str>(scheme, [])
}

const COOKIE: &str = "login_cookie";
const TOKEN: &str = "token";
