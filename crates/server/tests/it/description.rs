//! The API's description: committed, whole, and true.

use std::path::Path;

use kopeck_server::http::document;
use serde_json::Value;

#[test]
fn the_committed_description_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == document(), "openapi.json is old: `cargo xtask openapi` writes it");
}

#[test]
fn every_operation_has_a_name_a_summary_and_its_problems() {
    let description: Value = serde_json::from_str(&document()).unwrap();
    let mut names = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            names.push(operation["operationId"].as_str().unwrap().to_owned());
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(operation.get("x-problems").is_none(), "{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            let is_open = operation["security"].is_array();
            assert_eq!(responses.contains_key("401"), !is_open, "{method} {path}");
            assert!(responses.contains_key("500"), "{method} {path}");
        }
    }
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    fn walk(value: &Value, whole: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(to)) = fields.get("$ref") {
                    let place = to.trim_start_matches('#');
                    assert!(whole.pointer(place).is_some(), "{to}");
                }
                fields.values().for_each(|field| walk(field, whole));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, whole)),
            _ => {}
        }
    }
    let description: Value = serde_json::from_str(&document()).unwrap();
    walk(&description, &description);
}
