//! The description of the API, for people: written from the same document that programs read.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use loa_model::Permission;
use serde_json::Value;

use crate::api::document::document;
use crate::api::problem::KINDS;
use crate::error::permission_name;
use crate::guard::token;
use crate::lang::Lang;
use crate::pages::{Frame, html};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage {
    frame: Frame,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
    /// Kinds of problems, and what each means.
    problems: Vec<(&'static str, String)>,
}

/// Addresses of one subject.
struct Group {
    name: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    title: String,
    /// The rest of what stands beside the handler, in English; empty where the title says it all.
    more: String,
    asks: String,
    parameters: Vec<Field>,
    body: Option<Kind>,
    answers: Vec<Answer>,
}

struct Answer {
    status: String,
    text: String,
    kind: Option<Kind>,
}

struct Schema {
    name: String,
    text: String,
    /// Each way that it may look, with what is in it.
    forms: Vec<Form>,
}

struct Form {
    text: String,
    kind: Kind,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    kind: Kind,
    required: bool,
    text: String,
}

/// What a value looks like, and the name of the schema that says more.
struct Kind {
    text: String,
    link: Option<String>,
}

pub(crate) async fn page(State(panel): State<Panel>, headers: HeaderMap, lang: Lang) -> Response {
    // Open to everybody; whoever is logged in keeps the menu.
    let person = panel.console.person(&token(&headers).unwrap_or_default()).await;
    let person = person.ok().flatten();
    let whole = serde_json::to_value(document()).expect("a description is JSON");
    let tags = list(&whole["tags"]).iter().map(|tag| text(&tag["name"]));
    html(&ApiPage {
        frame: Frame::new(&panel, lang, person.as_ref(), "/api"),
        groups: tags.map(|tag| group(&whole, &tag, lang)).collect(),
        schemas: members(&whole["components"]["schemas"])
            .map(|(name, schema)| Schema {
                name: name.clone(),
                text: text(&schema["description"]),
                forms: forms(schema),
            })
            .collect(),
        problems: KINDS
            .map(|kind| (kind, lang.say(&format!("api-problem-{kind}"))))
            .into(),
    })
}

fn group(whole: &Value, tag: &str, lang: Lang) -> Group {
    let operations = members(&whole["paths"]).flat_map(|(path, item)| {
        let of_tag = members(item).filter(|(_, operation)| operation["tags"][0] == tag);
        of_tag.map(move |(method, described)| operation(path, method, described, lang))
    });
    Group {
        name: lang.say(&format!("api-tag-{tag}")),
        operations: operations.collect(),
    }
}

fn operation(path: &str, method: &str, described: &Value, lang: Lang) -> Operation {
    let id = text(&described["operationId"]);
    let key = format!("api-op-{}", id.replace('_', "-"));
    let parameters = list(&described["parameters"]).iter().map(|parameter| Field {
        name: text(&parameter["name"]),
        kind: kind(&parameter["schema"]),
        required: parameter["required"] == true,
        text: text(&parameter["description"]),
    });
    let answers = members(&described["responses"]).map(|(status, response)| Answer {
        status: status.clone(),
        text: text(&response["description"]),
        kind: content(response),
    });
    Operation {
        title: lang.try_say(&key).unwrap_or_else(|| text(&described["summary"])),
        more: text(&described["description"]),
        asks: asks(described, lang),
        parameters: parameters.collect(),
        body: content(&described["requestBody"]),
        answers: answers.collect(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        id,
    }
}

/// Says who may call.
fn asks(described: &Value, lang: Lang) -> String {
    let permission = text(&described["x-permission"]).parse::<Permission>();
    match permission {
        Ok(permission) => {
            let what = permission_name(permission, lang);
            let key = format!("api-asks-{}", text(&described["x-permission-in"]));
            lang.say_with(&key, &[("what", &what), ("scope", permission.name())])
        }
        Err(_) if list(&described["security"]).is_empty() => lang.say("api-asks-nothing"),
        Err(_) if list(&described["security"]).len() == 1 => lang.say("api-asks-cookie"),
        Err(_) => lang.say("api-asks-login"),
    }
}

/// Returns what the first content of a body or of an answer looks like.
fn content(of: &Value) -> Option<Kind> {
    let (media_type, content) = members(&of["content"]).next()?;
    let mut kind = kind(&content["schema"]);
    if !media_type.ends_with("json") {
        kind.text.clone_from(media_type);
    }
    Some(kind)
}

/// Returns each way that a schema may look.
fn forms(schema: &Value) -> Vec<Form> {
    let either = list(&schema["oneOf"]);
    if either.is_empty() {
        return vec![form(schema, "")];
    }
    either
        .iter()
        .map(|one| form(one, &text(&one["description"])))
        .collect()
}

fn form(schema: &Value, text_of_it: &str) -> Form {
    let parts = list(&schema["allOf"]);
    let whole = std::iter::once(schema).chain(parts);
    let fields = whole.flat_map(|part| {
        let required = list(&part["required"]);
        members(&part["properties"]).map(move |(name, field)| Field {
            name: name.clone(),
            kind: kind(field),
            required: required.iter().any(|required| required == name),
            text: text(&field["description"]),
        })
    });
    Form {
        text: text_of_it.to_owned(),
        fields: fields.collect(),
        kind: kind(schema),
    }
}

fn kind(schema: &Value) -> Kind {
    let plain = |text: String| Kind { text, link: None };
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return Kind {
            text: name.to_owned(),
            link: Some(name.to_owned()),
        };
    }
    for either in ["oneOf", "anyOf", "allOf"] {
        let kinds: Vec<_> = list(&schema[either]).iter().map(kind).collect();
        if !kinds.is_empty() {
            let texts: Vec<_> = kinds.iter().map(|kind| kind.text.as_str()).collect();
            return Kind {
                text: texts.join(" | "),
                link: kinds.iter().find_map(|kind| kind.link.clone()),
            };
        }
    }
    let values: Vec<_> = list(&schema["enum"]).iter().map(Value::to_string).collect();
    if !values.is_empty() {
        return plain(values.join(" | "));
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" | "),
        one => text(one),
    };
    if types.starts_with("array") {
        let items = list(&schema["prefixItems"]);
        if !items.is_empty() {
            let kinds: Vec<_> = items.iter().map(|item| kind(item).text).collect();
            return plain(types.replacen("array", &format!("[{}]", kinds.join(", ")), 1));
        }
        let item = kind(&schema["items"]);
        return Kind {
            text: types.replacen("array", &format!("[{}]", item.text), 1),
            link: item.link,
        };
    }
    plain(match schema["format"].as_str() {
        Some(format) => format!("{types} ({format})"),
        None => types,
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Returns a text without the marks around what is code.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('`', "")
}
