//! The API as its own description tells of it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::OnceLock;

use loa_model::Permission;
use loa_panel::{Asks, Due, Route};
use serde_json::Value;

/// Returns the description, as it is served.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::from_str(&loa_panel::openapi_json()).unwrap())
}

/// Returns the addresses that it describes, and what it says that they ask.
pub(crate) fn operations() -> Vec<Route> {
    let paths = document()["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| Route {
            method: method.to_uppercase().leak(),
            path: path.clone().leak(),
            asks: asks(operation),
            endless: operation["x-endless"] == true,
        })
    });
    operations.collect()
}

fn asks(operation: &Value) -> Asks {
    let schemes: Vec<_> = operation["security"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|scheme| scheme.as_object().unwrap().keys())
        .collect();
    let permission = operation["x-permission"]
        .as_str()
        .map(|word| word.parse::<Permission>().unwrap());
    match (permission, operation["x-permission-in"].as_str()) {
        (Some(permission), Some("zone")) => Asks::In(permission),
        (Some(Permission::Announce), Some("air")) => Asks::ToAir,
        (Some(permission), Some("some-zone")) => Asks::Shows(permission),
        (Some(permission), Some("every-zone")) => Asks::Everywhere(permission),
        (None, None) if schemes.is_empty() => Asks::Nothing,
        (None, None) if schemes == ["token", "login_cookie"] => Asks::Login(&[]),
        (None, None) if schemes == ["login_cookie"] => Asks::Login(&[Due::Code]),
        _ => panic!("who may call? {operation}"),
    }
}
